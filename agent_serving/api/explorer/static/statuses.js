// A status is a sign and a word; colour only repeats it.

import { el } from "./dom.js";

const SIGNS = {
  idle: ["○", "quiet"],
  in_progress: ["●", "active"],
  running: ["●", "active"],
  planned: ["○", "quiet"],
  queued: ["○", "quiet"],
  waiting: ["◐", "warn"],
  requires_action: ["◐", "warn"],
  budget_reached: ["◐", "warn"],
  in_doubt: ["?", "warn"],
  incomplete: ["◑", "warn"],
  completed: ["✓", "good"],
  failed: ["✕", "bad"],
  cancelled: ["–", "quiet"],
  closed: ["–", "quiet"],
};

export function words(status) {
  return status.replaceAll("_", " ");
}

export function badge(status) {
  const element = el("span", { class: "badge" }, el("span", { "aria-hidden": "true" }), el("span"));
  setBadge(element, status);
  return element;
}

export function setBadge(element, status) {
  if (element.dataset.status === status) return;
  const [sign, tone] = SIGNS[status] ?? ["○", "quiet"];
  element.dataset.status = status;
  element.dataset.tone = tone;
  element.children[0].textContent = sign;
  element.children[1].textContent = words(status);
}
