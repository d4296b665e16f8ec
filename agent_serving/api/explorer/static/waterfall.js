// The steps of a turn on a time axis. A list box: arrows move, Enter opens.
//
// Bars are placed by the style sheet, from numbers that are set once a step (--start, --length) and
// once a turn (--span): that a live turn grows is one changed number, whatever the number of steps.

import { el, fill, setAttribute, setText } from "./dom.js";
import { count, duration, money, plural, sentence, share } from "./format.js";
import { prefixMiss, spent } from "./phases.js";
import { words } from "./statuses.js";

const LABELLED_SHARE = 0.03;
const TINY_SHARE = 0.02;
const TICK_PX = 75;
const PAGE_ROWS = 10;

export class Waterfall {
  /** `origin` is the turn's start in ms; `opened(step, {keyboard})` is told of a choice. */
  constructor(label, origin, opened) {
    this.origin = origin;
    this.opened = opened;
    this.rows = new Map();
    this.span = 0;
    this.axis = el("div", { class: "axis" });
    this.list = el("div", { class: "rows", role: "listbox", "aria-label": label });
    this.list.addEventListener("keydown", (event) => this.key(event));
    this.list.addEventListener("click", (event) => {
      const row = event.target.closest(".row");
      if (row) this.open(row, false);
    });
    this.list.addEventListener("focusin", (event) => this.rove(event.target));
    const names = ["Step", "Input", "Cached", "Output", "Cost"];
    this.head = el(
      "div",
      { class: "row-head", "aria-hidden": "true" },
      names.map((name, at) => el("span", { class: at ? "number" : "" }, name)),
      this.axis,
    );
    this.element = el("div", { class: "waterfall" }, this.head, this.list);
    this.width = 600;
    new ResizeObserver(([entry]) => {
      this.width = entry.contentRect.width;
      this.mark();
    }).observe(this.axis);
  }

  show(steps) {
    const fresh = document.createDocumentFragment();
    for (const step of steps) {
      let row = this.rows.get(step.id);
      if (!row) {
        row = newRow(step);
        this.rows.set(step.id, row);
        fresh.append(row);
      }
      this.draw(row, step);
    }
    this.list.append(fresh);
    if (!this.list.querySelector("[tabindex='0']")) this.list.firstElementChild?.setAttribute("tabindex", "0");
    this.stretch();
  }

  /** Running bars reach up to `now`, ms. */
  tick(now) {
    for (const row of this.list.querySelectorAll("[data-running]")) {
      const start = Number(row.style.getPropertyValue("--start"));
      const length = Math.max(now - this.origin - start, 1);
      row.style.setProperty("--length", length);
      setText(row.querySelector(".bar-label"), duration(length));
    }
    this.stretch(now);
  }

  /** `end`, in ms, is the turn's end or the present. */
  stretch(end = null) {
    this.end = Math.max(this.end ?? 0, end === null ? 0 : end - this.origin);
    for (const row of this.rows.values()) this.end = Math.max(this.end, row.reach);
    // A turn under way gets room ahead, so that the scale changes now and then, not always.
    const live = this.list.querySelector("[data-running]") !== null;
    const span = Math.max(live ? roomFor(this.end) : this.end, 1);
    if (span === this.span) return;
    this.span = span;
    this.element.style.setProperty("--span", span);
    this.mark();
    for (const row of this.rows.values()) placeNames(row, span);
  }

  mark() {
    if (!this.span || !this.width) return;
    const tick = niceTick((this.span * TICK_PX) / this.width);
    this.element.style.setProperty("--tick", tick);
    const marks = [];
    for (let at = 0; at <= this.span; at += tick) {
      const mark = el("span", {}, axisTime(at, tick, this.span));
      mark.style.setProperty("--start", at);
      marks.push(mark);
    }
    fill(this.axis, marks);
  }

  draw(row, step) {
    row.step = step;
    const running = isRunning(step);
    const start = Math.max(Date.parse(step.started_at) - this.origin, 0);
    const length = step.timings.total_ms;
    row.reach = start + length;
    row.style.setProperty("--start", start);
    if (!running) row.style.setProperty("--length", length);
    setAttribute(row, "data-running", running && "");
    setAttribute(row, "data-status", step.status);
    setAttribute(row, "aria-label", summary(step));
    const { usage, cost } = step;
    const counted = step.kind === "model" && !running;
    const [, input, cached, output, price] = row.children;
    setText(input, counted ? count(usage.input_tokens) : "");
    setText(cached, counted ? share(usage.cached_tokens, usage.input_tokens) : "");
    cached.style.setProperty("--share", usage.input_tokens ? usage.cached_tokens / usage.input_tokens : 0);
    setText(output, counted ? count(usage.output_tokens) : "");
    setText(price, cost ? money(cost.total, cost.currency) : "");
    fill(row.firstElementChild, name(step));
    fill(row.bar, segments(step, length));
    if (!running) setText(row.label, duration(length));
    if (this.span) placeNames(row, this.span);
  }

  select(stepId) {
    for (const row of this.list.querySelectorAll("[aria-selected='true']")) row.setAttribute("aria-selected", "false");
    this.rows.get(stepId)?.setAttribute("aria-selected", "true");
  }

  focus(stepId) {
    this.rows.get(stepId)?.focus();
  }

  /** Out from under the details, which lie over a narrow page. */
  reveal(stepId) {
    this.rows.get(stepId)?.scrollIntoView({ block: "nearest" });
  }

  open(row, keyboard) {
    row.focus({ preventScroll: true });
    this.opened(row.step, { keyboard });
  }

  rove(row) {
    for (const old of this.list.querySelectorAll("[tabindex='0']")) old.tabIndex = -1;
    row.tabIndex = 0;
  }

  key(event) {
    const row = event.target.closest(".row");
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: PAGE_ROWS, PageUp: -PAGE_ROWS, Home: -Infinity, End: Infinity };
    if (event.altKey || event.ctrlKey || event.metaKey || !row) return;
    if (event.key in moves) {
      const rows = this.list.children;
      const now = row.step.index;
      const next = rows[Math.min(Math.max(now + moves[event.key], 0), rows.length - 1)];
      next.focus();
    } else if (event.key === "Enter" || event.key === " ") {
      this.open(row, true);
    } else {
      return;
    }
    event.preventDefault();
  }
}

/** Its figures are not known yet. */
export function isRunning(step) {
  return step.ended_at === null && ["running", "planned", "in_doubt"].includes(step.status);
}

function newRow(step) {
  const cell = (kind = "number") => el("span", { class: kind });
  const bar = el("span", { class: "bar" });
  const label = el("span", { class: "bar-label" });
  const row = el(
    "div",
    { class: "row", role: "option", id: step.id, "data-kind": step.kind, tabindex: "-1", "aria-selected": "false" },
    cell("step-name"), cell(), cell("number cached"), cell(), cell(),
    el("span", { class: "track" }, bar, label),
  );
  row.bar = bar;
  row.label = label;
  return row;
}

function name(step) {
  const parts = [el("span", { class: "kind" }, step.tool ? step.tool.name : words(step.kind))];
  const miss = prefixMiss(step);
  if (miss) parts.push(el("span", { class: "chip miss", title: miss.meaning }, `▲ ${count(miss.lost)}`, el("span", { class: "long" }, ` lost: ${miss.name}`)));
  if (step.attempts.length > 1) parts.push(el("span", { class: "chip" }, plural(step.attempts.length, "attempt")));
  const outcome = step.tool?.outcome;
  if (outcome && outcome !== "ok") parts.push(el("span", { class: "chip bad" }, outcome));
  else if (["failed", "in_doubt"].includes(step.status)) parts.push(el("span", { class: "chip bad" }, words(step.status)));
  return parts;
}

function segments(step, length) {
  return spent(step.timings).map((phase) => {
    const text = phase.ms / length > 0.15 ? phase.name.replace(" ", "\u00a0") : "";
    const segment = el("span", { class: `phase phase-${phase.id}`, title: `${phase.name}: ${duration(phase.ms)}` });
    segment.style.setProperty("--ms", phase.ms);
    segment.dataset.name = text;
    segment.dataset.ms = phase.ms;
    return segment;
  });
}

/** The names of segments that have no room are wrapped out of sight. */
function placeNames(row, span) {
  for (const segment of row.bar.children) {
    const room = Number(segment.dataset.ms) / span > LABELLED_SHARE;
    setText(segment, room ? segment.dataset.name : "");
  }
  setAttribute(row, "data-tiny", Number(row.style.getPropertyValue("--length")) / span < TINY_SHARE && "");
}

function summary(step) {
  const parts = [step.tool ? `Tool ${step.tool.name}` : `${words(step.kind)} step`, words(step.status)];
  if (step.tool?.outcome && step.tool.outcome !== "ok") parts.push(step.tool.outcome);
  if (step.attempts.length > 1) parts.push(plural(step.attempts.length, "attempt"));
  if (isRunning(step)) return sentence(parts.join(", "));
  parts.push(duration(step.timings.total_ms));
  parts.push(...spent(step.timings).map((phase) => `${phase.name} ${duration(phase.ms)}`));
  const { usage, cost } = step;
  if (step.kind === "model") {
    parts.push(`${count(usage.input_tokens)} tokens in, ${share(usage.cached_tokens, usage.input_tokens)} cached`);
    parts.push(`${count(usage.output_tokens)} out`);
  }
  if (cost) parts.push(`cost ${money(cost.total, cost.currency)}`);
  const miss = prefixMiss(step);
  if (miss) parts.push(`prefix miss, ${count(miss.lost)} tokens lost: ${miss.name}`);
  return sentence(parts.join(", "));
}

function niceTick(ms) {
  const power = 10 ** Math.floor(Math.log10(ms));
  return [1, 2, 5, 10].map((factor) => factor * power).find((tick) => tick >= ms * 0.999);
}

function roomFor(ms) {
  const power = 10 ** Math.floor(Math.log10(Math.max(ms, 1)));
  return [1, 1.5, 2, 3, 4, 6, 8, 10, 15].map((factor) => factor * power).find((span) => span >= ms * 1.08);
}

/** All marks of an axis in one unit. */
function axisTime(ms, tick, span) {
  if (ms === 0) return "0";
  if (tick >= 60_000) return `${Math.round(ms / 60_000)} min`;
  if (span >= 1000) return `${(ms / 1000).toFixed(tick >= 1000 ? 0 : tick >= 100 ? 1 : 2)} s`;
  return tick >= 1 ? `${Math.round(ms)} ms` : `${ms.toFixed(2)} ms`;
}
