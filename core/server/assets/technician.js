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
  // The window is opened at once, for browsers allow that only while something is pressed; a window of its own
  // would not have the cookie of this frame, so that the link is asked for here.
  const join = async (form, button) => {
    const opened = window.open("", "_blank");
    button.disabled = true;
    try {
      const answer = await fetch(form.action, {
        method: "POST",
        credentials: "same-origin",
        headers: { accept: "application/json", "x-csrf-token": document.body.dataset.csrf },
        body: new URLSearchParams(new FormData(form)),
      });
      const { link, detail } = await answer.json();
      if (!answer.ok) throw new Error(detail);
      if (!opened) { form.submit(); return; }
      opened.opener = null;
      opened.location.replace(link);
    } catch (error) {
      if (opened) opened.close();
      form.submit(); // the page says what is wrong
    } finally {
      button.disabled = false;
    }
  };
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const button = form.querySelector("button");
    if (form.classList.contains("join")) {
      event.preventDefault();
      join(form, button);
      return;
    }
    if (button) setTimeout(() => { button.disabled = true; }, 0);
  });
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
})();
