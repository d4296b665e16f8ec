// What is said in place of a page, or above one: errors and emptiness.

import { el } from "./dom.js";
import { keyField } from "./key.js";

/** Over what is shown already; `retry` may be null. */
export function failure(error, retry) {
  return el(
    "div",
    { class: "notice", role: "alert" },
    el("p", {}, error.message),
    error.status === 401 && retry && keyField(retry),
    retry && error.status !== 401 && button("Try again", retry),
  );
}

export function missing(sessionId) {
  return el(
    "section",
    { class: "empty" },
    el("h1", {}, "There is no such session"),
    el("p", {}, "It was deleted, has expired, or never was: ", el("code", {}, sessionId)),
    el("p", {}, el("a", { href: "/explorer" }, "All sessions")),
  );
}

export function noSessions() {
  const example =
    `curl ${location.origin}/v1/sessions -H 'content-type: application/json' \\\n` +
    `  -d '{"agent": {"tools": ["calculator"]}, "input": "What is 17 * 23?"}'`;
  return el(
    "section",
    { class: "empty" },
    el("h2", {}, "No sessions yet"),
    el("p", {}, "Start one here, and it appears on this page:"),
    el("pre", { tabindex: "0" }, el("code", {}, example)),
    el("p", {}, "Or talk to an agent in a terminal: ", el("code", {}, "agent-serving chat")),
  );
}

export function button(text, pressed, attributes = {}) {
  const element = el("button", { type: "button", class: "button", ...attributes }, text);
  element.addEventListener("click", pressed);
  return element;
}
