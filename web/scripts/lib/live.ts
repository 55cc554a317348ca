/** The live view of one instructor's free times over `/api/live`: snapshot, gapless deltas, resume. */

export interface Slot {
  start_at: string;
  end_at: string;
}

export interface RemovedSlot extends Slot {
  reason: "held" | "booked" | "closed" | "passed";
}

export interface Watch {
  instructor_id: string;
  service_id: string;
  duration_minutes: number;
  from: string;
  to: string;
}

export interface LiveView {
  onSnapshot(slots: Slot[]): void;
  onDelta(added: Slot[], removed: RemovedSlot[]): void;
  onState(state: "live" | "lost"): void;
}

interface Snapshot {
  type: "snapshot";
  instructor_id: string;
  duration_minutes: number;
  version: number;
  slots: Slot[];
}

interface Delta {
  type: "delta";
  instructor_id: string;
  duration_minutes: number;
  previous_version: number;
  version: number;
  added: Slot[];
  removed: RemovedSlot[];
}

type ServerFrame = Snapshot | Delta | { type: "resync" | "pong" | "event" } | { type: "problem"; code: string };

const BACK_OFF_MS = [250, 500, 1000, 2000, 4000, 8000, 15_000] as const;
const SILENCE_MS = 30_000;
const PONG_MS = 8000;

export class LiveSlots {
  #socket: WebSocket | undefined;
  #watch: Watch | undefined;
  #version: number | undefined;
  #failures = 0;
  #retryTimer = 0;
  #silenceTimer = 0;

  constructor(private readonly view: LiveView) {
    window.addEventListener("online", () => { this.#connectSoon(0); });
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.#connectSoon(0);
    });
    window.addEventListener("pagehide", () => { this.#socket?.close(); });
    window.addEventListener("pageshow", (event) => {
      if (event.persisted) this.#connectSoon(0);
    });
  }

  /** Watches another window; `version` is the one that the page already shows. */
  watch(next: Watch, version?: number): void {
    if (this.#watch !== undefined) this.#send({ type: "unsubscribe", ...this.#watch });
    this.#watch = next;
    this.#version = version;
    if (this.#socket?.readyState === WebSocket.OPEN) this.#subscribe();
    else this.#connectSoon(0);
  }

  #connectSoon(delayMs: number): void {
    const state = this.#socket?.readyState;
    if (state === WebSocket.OPEN || state === WebSocket.CONNECTING) return;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = window.setTimeout(() => { this.#connect(); }, delayMs);
  }

  #connect(): void {
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/live`);
    this.#socket = socket;
    socket.addEventListener("open", () => {
      this.#subscribe();
      this.#heard();
    });
    socket.addEventListener("message", (event: MessageEvent<string>) => {
      this.#heard();
      this.#receive(JSON.parse(event.data) as ServerFrame);
    });
    socket.addEventListener("close", () => {
      if (this.#socket === socket) this.#lost();
    });
  }

  #lost(): void {
    clearTimeout(this.#silenceTimer);
    this.view.onState("lost");
    const step = BACK_OFF_MS[Math.min(this.#failures, BACK_OFF_MS.length - 1)] ?? 15_000;
    this.#failures += 1;
    this.#connectSoon(step / 2 + Math.random() * (step / 2));
  }

  /** A quiet line is asked for a sign of life; a dead one is closed, and the back-off begins. */
  #heard(): void {
    clearTimeout(this.#silenceTimer);
    this.#silenceTimer = window.setTimeout(() => {
      this.#send({ type: "ping" });
      this.#silenceTimer = window.setTimeout(() => {
        const dead = this.#socket;
        this.#socket = undefined;
        dead?.close();
        this.#lost();
      }, PONG_MS);
    }, SILENCE_MS);
  }

  #send(frame: Record<string, unknown>): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  #subscribe(): void {
    if (this.#watch === undefined) return;
    const resume = this.#version === undefined ? {} : { after_version: this.#version };
    this.#send({ type: "subscribe", ...this.#watch, ...resume });
  }

  #isOurs(frame: Snapshot | Delta): boolean {
    return (
      frame.instructor_id === this.#watch?.instructor_id && frame.duration_minutes === this.#watch.duration_minutes
    );
  }

  #receive(frame: ServerFrame): void {
    switch (frame.type) {
      case "snapshot":
        if (!this.#isOurs(frame)) return;
        this.#version = frame.version;
        this.#works();
        this.view.onSnapshot(frame.slots);
        return;
      case "delta":
        if (this.#isOurs(frame)) this.#applyDelta(frame);
        return;
      case "resync":
        this.#version = undefined;
        return;
      case "problem":
        if (frame.code !== "too-many-messages") this.view.onState("lost");
        return;
      case "pong":
      case "event":
        return;
    }
  }

  #applyDelta(frame: Delta): void {
    if (this.#version === undefined) return;
    if (frame.previous_version !== this.#version) {
      if (this.#watch !== undefined) this.watch(this.#watch);
      return;
    }
    this.#version = frame.version;
    this.#works();
    this.view.onDelta(frame.added, frame.removed);
  }

  #works(): void {
    this.#failures = 0;
    this.view.onState("live");
  }
}
