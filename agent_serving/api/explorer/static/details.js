// All that is known of one step: where its time went, tokens, cost, and what was said.

import { el, fill, outside } from "./dom.js";
import { count, duration, exactMoney, money, pretty, sentence, share, time } from "./format.js";
import { button } from "./notice.js";
import { prefixMiss, spent } from "./phases.js";
import { badge, words } from "./statuses.js";
import { isRunning } from "./waterfall.js";

const LONGEST = 100_000;

export class Details {
  /** `closed` is called when the reader has closed it. */
  constructor(closed) {
    this.title = el("h2", { id: "details-title", tabindex: "-1" });
    this.body = el("div", { class: "details-body" });
    this.element = el(
      "aside",
      { class: "details", "aria-labelledby": "details-title", hidden: true },
      el("div", { class: "details-head" }, this.title, button("Close", closed, { class: "button quiet-button" })),
      this.body,
    );
    this.element.addEventListener("keydown", (event) => event.key === "Escape" && closed());
  }

  /** `live` is what streamed of a reply that is not done, or null. */
  show(step, turn, live) {
    this.element.hidden = false;
    const scrolled = this.step === step.id ? this.body.scrollTop : 0;
    this.step = step.id;
    fill(this.title, step.tool ? step.tool.name : sentence(`${words(step.kind)} step`));
    fill(
      this.body,
      el("p", { class: "details-line" }, badge(step.status), el("span", { class: "quiet" }, `step ${step.index + 1} of turn ${turn.index + 1}`)),
      step.error && step.kind !== "tool" && el("p", { class: "notice" }, `${step.error.code}: ${step.error.message}`),
      miss(step),
      step.tool ? call(step, turn) : said(step, turn, live),
      phases(step),
      step.kind === "model" && !isRunning(step) && tokens(step),
      cost(step.cost),
      attempts(step),
      origin(step, turn),
    );
    this.body.scrollTop = scrolled;
  }

  hide() {
    this.element.hidden = true;
    this.step = null;
  }
}

// --- what was said --------------------------------------------------------------------------

function call(step, turn) {
  const { tool } = step;
  const result = turn.items.find((item) => item.type === "tool_result" && item.call_id === tool.call_id);
  return [
    quote("Arguments", pretty(tool.arguments), "code"),
    result ? quote(tool.outcome === "ok" ? "Result" : `Result (${tool.outcome})`, pretty(result.output), "code") : section("Result", el("p", { class: "quiet" }, "None yet.")),
    facts("Call", [["Effect", words(tool.effect)], ["Runs", tool.executor === "client" ? "at the client" : "here"], ["Call", mono(tool.call_id)]]),
  ];
}

function said(step, turn, live) {
  const own = itemsOf(step, turn.items);
  const blocks = given(own, turn.items, step).map((item) =>
    item.type === "tool_result" ? quote(`Given: result of ${item.name}`, pretty(item.output), "code") : quote("Given: message", item.text),
  );
  for (const item of own) {
    const note = item.status === "incomplete" ? " (cut off)" : "";
    if (item.type === "reasoning") blocks.push(quote(`Reasoning${note}`, item.text, "reasoning"));
    if (item.type === "message") blocks.push(quote(`Said${note}`, item.text));
    if (item.type === "tool_call") blocks.push(quote(`Called ${item.name}${note}`, pretty(item.arguments), "code"));
  }
  if (step.status === "running" && live) {
    if (live.reasoning) blocks.push(quote("Reasoning …", live.reasoning, "reasoning"));
    if (live.text) blocks.push(quote("Saying …", live.text));
    for (const [name, text] of live.calls.values()) blocks.push(quote(`Calling ${name} …`, text, "code"));
  }
  return blocks;
}

/** An item's id carries the id of the step that it came from. */
export function itemsOf(step, items) {
  const mark = `item_${step.id.replace(/^step_/, "")}`;
  return items.filter((item) => item.type !== "tool_result" && item.id.startsWith(mark));
}

/** What stands right in front of a reply: what the model had not seen before this step. */
function given(own, items, step) {
  if (!own.length && step.status !== "running") return [];
  let from = own.length ? items.indexOf(own[0]) : items.length;
  const end = from;
  const isNew = (item) => item.type === "tool_result" || (item.type === "message" && item.role === "user");
  while (from > 0 && isNew(items[from - 1])) from -= 1;
  return items.slice(from, end);
}

function quote(title, text, kind = "") {
  const cut = text.length > LONGEST;
  return section(
    title,
    el("pre", { class: `said ${kind}`, tabindex: "0", role: "region", "aria-label": title }, cut ? text.slice(0, LONGEST) : text),
    cut && el("p", { class: "quiet" }, `The first ${count(LONGEST)} of ${count(text.length)} characters.`),
  );
}

// --- figures --------------------------------------------------------------------------------

function miss(step) {
  const found = prefixMiss(step);
  if (!found) return null;
  const { prefix } = step;
  return el(
    "div",
    { class: "miss-note" },
    el("strong", {}, `▲ Prefix miss: ${found.name}`),
    el("p", {}, `${count(found.lost)} of ${count(prefix.expected_tokens)} tokens that had been computed before were computed again. ${found.meaning}`),
  );
}

function phases(step) {
  const { timings } = step;
  const rows = spent(timings).map((phase) => [
    el("span", {}, el("span", { class: `swatch phase-${phase.id}`, "aria-hidden": "true" }), phase.name),
    `${duration(phase.ms)}`,
    share(phase.ms, timings.total_ms),
  ]);
  if (!rows.length) return null;
  const extra = [["To the first token", timings.ttft_ms], ["Between tokens, median", timings.itl_p50_ms], ["Between tokens, 99th percentile", timings.itl_p99_ms]]
    .filter(([, ms]) => ms !== null)
    .map(([name, ms]) => [name, duration(ms), ""]);
  return figures("Time", [...rows, ["Total", duration(timings.total_ms), ""]], extra);
}

function tokens(step) {
  const { usage, prefix } = step;
  const rows = [
    ["Input", count(usage.input_tokens), ""],
    ["of which cached", count(usage.cached_tokens), share(usage.cached_tokens, usage.input_tokens)],
    ["of which computed", count(usage.uncached_tokens), share(usage.uncached_tokens, usage.input_tokens)],
    ["Output", count(usage.output_tokens), ""],
  ];
  if (usage.reasoning_tokens) rows.push(["of which reasoning", count(usage.reasoning_tokens), share(usage.reasoning_tokens, usage.output_tokens)]);
  if (prefix) rows.push(["Seen by the engine before", count(prefix.expected_tokens), ""]);
  return figures("Tokens", rows);
}

function cost(cost) {
  if (!cost) return null;
  const names = { input: "Input", cached_input: "Cached input", output: "Output", tool: "Tool calls", kv_residency: "KV held while waiting", total: "Total" };
  const rows = Object.entries(names)
    .filter(([key]) => key === "total" || Number(cost[key] ?? 0) !== 0)
    .map(([key, name]) => [name, el("span", { title: exactMoney(cost[key], cost.currency) }, money(cost[key], cost.currency)), ""]);
  if (Number(cost.prefix_miss ?? 0)) rows.push(["of which prefix miss", money(cost.prefix_miss, cost.currency), ""]);
  if (Number(cost.gpu_seconds ?? 0)) rows.push(["GPU time", duration(Number(cost.gpu_seconds) * 1000), ""]);
  return figures("Cost", rows);
}

function attempts(step) {
  if (step.attempts.length < 2) return null;
  const rows = step.attempts.map((attempt) => [
    `${attempt.number}. ${words(attempt.status)} on ${attempt.worker}`,
    duration(attempt.timings.total_ms),
    attempt.error?.code ?? "",
  ]);
  return figures("Attempts", rows);
}

function origin(step, turn) {
  return facts("Where and when", [
    ["Started", time(step.started_at)],
    ["Ended", time(step.ended_at)],
    ["Worker", step.worker],
    ["Step", mono(step.id)],
    ["Engine request", step.rid && mono(step.rid)],
    ["Trace", mono(step.trace_id)],
    ["Span", step.span_id && span(step, turn)],
  ]);
}

// --- shapes ---------------------------------------------------------------------------------

function section(title, ...children) {
  return el("section", {}, el("h3", {}, title), children);
}

/** Rows of name, figure and remark; every `extra` row stands below a line. */
function figures(title, rows, extra = []) {
  const row = (kind) => ([name, figure, remark]) =>
    el("tr", { class: kind }, el("th", { scope: "row" }, name), el("td", { class: "number" }, figure), el("td", { class: "number quiet" }, remark));
  return section(title, el("table", { class: "figures" }, el("tbody", {}, rows.map(row("")), extra.map(row("extra")))));
}

function facts(title, pairs) {
  const known = pairs.filter(([, value]) => value);
  return section(title, el("dl", { class: "facts" }, known.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]).flat()));
}

/** In Jaeger, where the service knows one, with this span marked. */
function span(step, turn) {
  const address = turn.trace_url && `${turn.trace_url}?uiFind=${encodeURIComponent(step.span_id)}`;
  return (address && outside(address, step.span_id, { class: "mono", title: "This span in Jaeger" })) || mono(step.span_id);
}

function mono(text) {
  return el("span", { class: "mono" }, text);
}
