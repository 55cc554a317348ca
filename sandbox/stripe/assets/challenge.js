// The bank's page: plays the cardholder, then tells the shop's page or leads back to it.
(() => {
  "use strict";

  const PARENT = new URLSearchParams(location.hash.slice(1)).get("origin");
  const box = document.getElementById("challenge");
  const { intent } = box.dataset;

  function leave(answer) {
    if (window.parent !== window && PARENT) {
      window.parent.postMessage({ source: "stripe-emulator", type: "answered", value: answer }, PARENT);
      return;
    }
    if (!box.dataset.return) {
      box.textContent = answer === "complete" ? "Done. You can go back to the shop." : "Refused. You can go back to the shop.";
      return;
    }
    const url = new URL(box.dataset.return);
    url.searchParams.set(intent.startsWith("seti_") ? "setup_intent" : "payment_intent", intent);
    url.searchParams.set("redirect_status", answer === "complete" ? "succeeded" : "failed");
    location.assign(url);
  }

  async function answer(button) {
    for (const each of box.querySelectorAll("button")) each.disabled = true;
    const what = button.dataset.answer;
    try {
      const reply = await fetch(`/_emulator/3ds/${intent}/${what}`, { method: "POST" });
      if (!reply.ok && reply.status !== 400) throw new Error(String(reply.status));
      leave(what);
    } catch {
      const problem = document.getElementById("problem");
      problem.textContent = "The bank could not be reached. Try again.";
      problem.hidden = false;
      for (const each of box.querySelectorAll("button")) each.disabled = false;
    }
  }

  for (const button of box.querySelectorAll("button")) button.addEventListener("click", () => answer(button));
})();
