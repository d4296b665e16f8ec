// One turn: a line that sums it up, and under it what was asked, the steps, and the answer.

import { announce, el, fill, outside, setAttribute, setText } from "./dom.js";
import { count, duration, localTime, money, plural, share } from "./format.js";
import { button } from "./notice.js";
import { spent } from "./phases.js";
import { badge, setBadge, words } from "./statuses.js";
import { StepPages } from "./step_pages.js";
import { Waterfall } from "./waterfall.js";

const ENDED = ["completed", "incomplete", "failed", "cancelled"];

export class TurnSection {
  /** `page` is told what was chosen: `chosen(section, step, {keyboard})`. */
  constructor(page, turn) {
    this.page = page;
    this.pages = new StepPages(page.id, turn.id);
    this.expanded = false;
    this.auto = false;
    this.number = el("span", { class: "turn-number" }, `Turn ${turn.index + 1}`);
    this.prompt = el("span", { class: "turn-prompt" });
    this.badge = badge(turn.status);
    this.stats = el("span", { class: "turn-stats" });
    this.toggle = el(
      "button",
      { type: "button", class: "turn-toggle", "aria-expanded": "false", "aria-controls": `body-${turn.id}` },
      el("span", { class: "chevron", "aria-hidden": "true" }),
      this.number, this.badge, this.prompt, this.stats,
    );
    this.toggle.addEventListener("click", () => this.setExpanded(!this.expanded));
    this.links = el("span", { class: "turn-links" });
    this.strip = el("div", { class: "strip", "aria-hidden": "true" });
    this.body = el("div", { class: "turn-body", id: `body-${turn.id}`, hidden: true });
    this.element = el(
      "section",
      { class: "turn", id: turn.id },
      el("div", { class: "turn-head" }, el("h2", {}, this.toggle), this.links),
      this.strip,
      this.body,
    );
    this.setTurn(turn);
  }

  get ended() {
    return ENDED.includes(this.turn.status);
  }

  /** Wall time so far, in ms. */
  length(now) {
    const { started_at: started, ended_at: ended } = this.turn;
    return started ? (ended ? Date.parse(ended) : now) - Date.parse(started) : 0;
  }

  setTurn(turn) {
    const before = this.turn;
    this.turn = turn;
    setBadge(this.badge, turn.status);
    setText(this.prompt, turn.input.map((item) => item.text).join(" ").slice(0, 300));
    fill(this.stats, stats(turn, this.length(Date.now())));
    if (before?.trace_url !== turn.trace_url || !before) {
      const trace = turn.trace_url && outside(turn.trace_url, "Trace", { title: "This turn's trace in Jaeger" });
      fill(this.links, trace, el("a", { href: `#${turn.id}`, class: "anchor", "aria-label": `Link to turn ${turn.index + 1}` }, "#"));
    }
    fill(this.strip, spent(turn.timings).map((phase) => {
      const part = el("span", { class: `phase phase-${phase.id}` });
      part.style.setProperty("--ms", phase.ms);
      return part;
    }));
    if (before && !ENDED.includes(before.status) && this.ended) announce(`Turn ${turn.index + 1} is ${words(turn.status)}.`);
    if (this.parts) this.drawParts();
  }

  /** Of the longest turn's wall time. */
  scale(longest) {
    const length = this.length(Date.now());
    this.strip.style.setProperty("--share", longest ? Math.max(length / longest, 0.01) : 0);
  }

  async setExpanded(expanded) {
    this.expanded = expanded;
    this.toggle.setAttribute("aria-expanded", expanded);
    this.body.hidden = !expanded;
    if (!expanded) return;
    if (!this.parts) this.build();
    await this.refresh();
  }

  build() {
    const { turn } = this;
    const origin = Date.parse(turn.started_at ?? turn.created_at);
    this.waterfall = new Waterfall(`Steps of turn ${turn.index + 1}`, origin, (step, how) => this.page.chosen(this, step, how));
    this.parts = {
      asked: el("div", { class: "speech asked" }),
      answered: el("div", { class: "speech answered" }),
      more: button("Show more steps", () => this.refresh(), { hidden: true }),
      notice: el("div"),
    };
    this.answer = el("p", { class: "speech-text" });
    const { asked, answered, more, notice } = this.parts;
    fill(answered, el("h3", {}, "Answer"), this.answer);
    fill(this.body, asked, this.waterfall.element, more, notice, answered);
    this.drawParts();
  }

  drawParts() {
    const { turn, parts } = this;
    fill(parts.asked, el("h3", {}, "Input"), turn.input.map((item) => el("p", { class: "speech-text" }, item.text)));
    if (turn.ended_at) this.waterfall.stretch(Date.parse(turn.ended_at));
    fill(parts.notice, remarks(turn));
    this.drawAnswer();
  }

  drawAnswer() {
    if (!this.parts) return;
    const last = this.pages.steps.findLast((step) => step.kind === "model");
    const live = this.ended || !last ? null : this.page.live.of(last.id);
    const text = live?.text || this.turn.output_text;
    setText(this.answer, text);
    setAttribute(this.parts.answered, "data-live", live && "");
    this.parts.answered.hidden = !text;
  }

  refresh() {
    return this.page.guarded((signal) => this.read(signal));
  }

  /** Reads the steps that are new or may have changed. Raises ApiError. */
  async read(signal) {
    await this.pages.read((steps) => this.waterfall.show(steps), signal);
    this.parts.more.hidden = !this.pages.more;
    this.drawAnswer();
    this.page.stepsRead(this);
  }

  tick(now) {
    if (this.expanded && !this.ended && this.turn.status !== "queued") this.waterfall?.tick(now);
  }
}

function stats(turn, length) {
  const { usage, cost } = turn;
  const item = (kind, text, title) => el("span", { class: kind, title }, text);
  const counted = usage.model_steps > 0;
  return [
    item("stat", counted ? `${plural(usage.model_steps, "step")}, ${plural(usage.tool_calls, "call")}` : "", "Model steps and tool calls"),
    item("stat", counted ? `${count(usage.input_tokens)} in` : "", "Input tokens"),
    item("stat", counted ? `${share(usage.cached_tokens, usage.input_tokens)} cached` : "", "Of the input tokens"),
    item("stat", counted ? `${count(usage.output_tokens)} out` : "", "Output tokens"),
    item("stat miss", Number(cost?.prefix_miss ?? 0) ? `▲ prefix miss ${money(cost.prefix_miss, cost.currency)}` : "", "What computing lost tokens again cost"),
    item("stat", cost ? money(cost.total, cost.currency) : "", "Cost"),
    item("stat strong", turn.ended_at ? duration(length) : "", `Began ${localTime(turn.started_at ?? turn.created_at)}`),
  ];
}

function remarks(turn) {
  const found = [];
  if (turn.error) found.push(el("p", { class: "notice" }, `${turn.error.code}: ${turn.error.message}`));
  if (turn.incomplete_details) found.push(el("p", { class: "notice" }, `Stopped at its limit ${turn.incomplete_details.reason}.`));
  if (turn.paused) found.push(el("p", { class: "notice" }, `Paused: the budget ${words(turn.paused.budget)} of the ${turn.paused.scope} is used up. Raise it, and the turn goes on.`));
  for (const wanted of turn.required_inputs) {
    found.push(el("p", { class: "notice" }, `Waits for ${words(wanted.type)} of ${wanted.name} (${wanted.call_id}).`));
  }
  return found;
}
