"use strict";
// Both ends of a sign-in that goes from a window into a framed page.
//
// The window has the code in <meta name="linchpin-handover">. The framed page has a button with
// data-linchpin-sign-in; where something goes wrong, an element with data-linchpin-sign-in-status says so.
(() => {
  const own = window.location.origin;
  const code = document.querySelector('meta[name="linchpin-handover"]');
  if (code) {
    if (window.opener) {
      window.opener.postMessage({ kind: "linchpin-handover", code: code.content }, own);
      window.close();
    }
    return;
  }
  const say = (text) => {
    for (const place of document.querySelectorAll("[data-linchpin-sign-in-status]")) place.textContent = text;
  };
  let opened = null;
  for (const button of document.querySelectorAll("[data-linchpin-sign-in]")) {
    button.addEventListener("click", () => {
      opened = window.open("/sign-in?handover=1", "linchpin-sign-in", "popup,width=480,height=680");
      say(opened ? "" : "The browser did not open a window: allow this page to.");
    });
  }
  window.addEventListener("message", async (event) => {
    if (event.origin !== own || !opened || event.source !== opened) return;
    if (!event.data || event.data.kind !== "linchpin-handover") return;
    opened = null;
    const answer = await fetch("/session/frame", {
      method: "POST",
      credentials: "same-origin",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ code: event.data.code }),
    }).catch(() => null);
    if (answer && answer.ok) window.location.reload();
    else say("That did not work. Try again.");
  });
})();
