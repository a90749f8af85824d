// The page works without this: forms are posted, and the answer is the page. With it, sessions are followed
// as they go, and a button that was pressed cannot be pressed twice.
"use strict";
(() => {
  const list = document.getElementById("sessions-list");
  const { events } = document.body.dataset;
  if (list && events && "EventSource" in window) {
    const follow = new EventSource(events);
    follow.addEventListener("sessions", (event) => {
      list.innerHTML = event.data; // written by the hub, with every text escaped
    });
  }
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.target === "_blank") return;
    const button = form.querySelector("button");
    if (button) setTimeout(() => { button.disabled = true; }, 0);
  });
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
})();
