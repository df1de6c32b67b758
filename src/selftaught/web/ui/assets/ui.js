// Keeps an open page as its server would draw it now. All markup comes from the server, made safe
// there; here it only takes the place of what stood before, so that a page never grows by itself.
"use strict";

const live = document.getElementById("live");

// Gives an element the attributes and the contents of another, and keeps what did not change: so
// focus, scroll positions, opened details, ticked boxes and what was typed stay as they are.
function become(old, now) {
  for (const { name } of [...old.attributes]) {
    if (!now.hasAttribute(name) && !(name === "open" && old.tagName === "DETAILS")) old.removeAttribute(name);
  }
  for (const { name, value } of now.attributes) {
    if (name === "open" && old.tagName === "DETAILS") continue;
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  if (old.dataset && old.dataset.since) return tell(old);
  children(old, now);
}

function children(old, now) {
  const named = new Map();
  for (const one of old.children) if (one.id) named.set(one.id, one);
  let at = old.firstChild;
  for (const next of [...now.childNodes]) {
    let same = next.id ? named.get(next.id) : null;
    if (!same && at && !at.id && !next.id && at.nodeName === next.nodeName) same = at;
    if (!same) {
      old.insertBefore(next, at);
    } else {
      if (same === at) at = at.nextSibling;
      else old.insertBefore(same, at);
      if (same.nodeType === Node.ELEMENT_NODE) become(same, next);
      else if (same.nodeValue !== next.nodeValue) same.nodeValue = next.nodeValue;
    }
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

function part({ id, html }) {
  let held = document.getElementById(id);
  if (!held) {
    held = document.createElement("div");
    held.id = id;
    held.className = "part";
    document.getElementById("main").append(held);
  }
  if (id === "acts" && held.contains(document.activeElement) && held.querySelector("input")) {
    const kind = document.createElement("template");
    kind.innerHTML = html;
    const form = kind.content.querySelector("form");
    if (form && form.getAttribute("action") === held.querySelector("form").getAttribute("action")) return;
  }
  const made = document.createElement(held.tagName);
  made.innerHTML = html;
  children(held, made);
  for (const one of held.querySelectorAll("[data-since]")) tell(one);
}

function tell(time) {
  const s = Math.max(0, Math.round(Date.now() / 1000 - Number(time.dataset.since)));
  time.textContent = s < 90 ? `for ${s} s` : s < 5400 ? `for ${Math.round(s / 60)} min` : `for ${Math.round(s / 3600)} h`;
}

let source;

function connect() {
  if (source) source.close();
  source = new EventSource(live.dataset.stream);
  source.onopen = () => say("live");
  source.addEventListener("part", (event) => part(JSON.parse(event.data)));
  source.onerror = () => {
    say("connection lost, trying again");
    if (source.readyState !== EventSource.CLOSED) return;
    source.close();
    setTimeout(connect, 2000);
  };
}

// A browser has six connections to a server: tabs that nobody sees hold none.
document.addEventListener("visibilitychange", () => {
  if (!source) return;
  source.close();
  if (!document.hidden) connect();
});

function say(what) {
  if (live.textContent !== what) live.textContent = what;
  live.classList.toggle("lost", what !== "live");
}

if (live && live.dataset.stream) connect();
setInterval(() => document.querySelectorAll("[data-since]").forEach(tell), 1000);
document.addEventListener("change", (event) => {
  if (event.target.dataset.submit !== undefined) event.target.form.requestSubmit();
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  navigator.clipboard.writeText(button.dataset.copy).then(() => (button.textContent = "Copied"));
});
document.addEventListener("keydown", (event) => {
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const search = document.getElementById("q");
  if (event.key === "/" && search) {
    event.preventDefault();
    search.focus();
  }
});
