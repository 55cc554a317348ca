/** The few words of Stripe.js that we use; the script itself is loaded from the configured origin. */

export interface CardElement {
  mount(element: HTMLElement): void;
  unmount(): void;
  on(event: "ready", listener: () => void): void;
  on(event: "change", listener: (change: { complete: boolean; error?: { message: string } }) => void): void;
}

interface IntentAnswer {
  error?: { message?: string; code?: string; decline_code?: string };
  setupIntent?: { status: string; payment_method: string | { id: string } | null };
  paymentIntent?: { status: string; payment_method: string | { id: string } | null };
}

export interface StripeClient {
  elements(options?: Record<string, unknown>): {
    create(type: "card", options?: Record<string, unknown>): CardElement;
  };
  confirmCardSetup(secret: string, data: { payment_method: { card: CardElement } }): Promise<IntentAnswer>;
  confirmCardPayment(secret: string, data?: { payment_method: { card: CardElement } }): Promise<IntentAnswer>;
}

declare global {
  interface Window {
    Stripe?: (key: string) => StripeClient;
  }
}

let loading: Promise<StripeClient> | undefined;

/** Loads the script once. Rejects when it cannot be had; the next call tries again. */
export function loadStripe(url: string, key: string): Promise<StripeClient> {
  loading ??= new Promise<StripeClient>((resolve, reject) => {
    const script = document.createElement("script");
    script.src = url;
    script.addEventListener("load", () => {
      if (window.Stripe === undefined) reject(new Error("the card form's script is not what we expected"));
      else resolve(window.Stripe(key));
    });
    script.addEventListener("error", () => {
      script.remove();
      reject(new Error("the card form could not be loaded"));
    });
    document.head.append(script);
  });
  loading.catch(() => { loading = undefined; });
  return loading;
}

export function methodOf(answer: IntentAnswer): string | undefined {
  const method = answer.setupIntent?.payment_method ?? answer.paymentIntent?.payment_method;
  return typeof method === "string" ? method : method?.id;
}
