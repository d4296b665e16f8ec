// What a step's time is made of, and why a prefix was lost: names and explanations.

export const PHASES = [
  { key: "admission_ms", id: "admission", name: "Admission", meaning: "Waiting for a place on a worker" },
  { key: "engine_queue_ms", id: "queue", name: "Engine queue", meaning: "Waiting inside the engine" },
  { key: "prefill_ms", id: "prefill", name: "Prefill", meaning: "Reading the prompt" },
  { key: "decode_ms", id: "decode", name: "Decode", meaning: "Writing the reply" },
  { key: "tool_ms", id: "tool", name: "Tool", meaning: "Running a tool" },
  { key: "orchestration_ms", id: "other", name: "Other", meaning: "The service and its store" },
];

const REASONS = {
  cold: ["cold", "No engine had seen this prefix before."],
  evicted: ["evicted", "The worker had dropped it from its cache to make room."],
  routed_elsewhere: ["other worker", "The step ran on a worker that had not seen it."],
  tools_changed: ["tools changed", "The list of tools, which the prompt begins with, had changed."],
  compacted: ["compacted", "The transcript was compacted, so it begins anew."],
  engine_restarted: ["engine restarted", "The worker was restarted and had lost its cache."],
  unknown: ["unknown reason", "The engine did not tell why."],
};

/** The phases of `timings` that took any time, with their milliseconds. */
export function spent(timings) {
  return PHASES.map((phase) => ({ ...phase, ms: timings?.[phase.key] ?? 0 })).filter(
    (phase) => phase.ms > 0,
  );
}

/** `{lost, name, meaning}` of a step whose prefix was (partly) lost, else null. */
export function prefixMiss(step) {
  const prefix = step.prefix;
  if (!prefix || !prefix.lost_tokens) return null;
  const [name, meaning] = REASONS[prefix.reason] ?? [prefix.reason ?? "unknown reason", ""];
  return { lost: prefix.lost_tokens, name, meaning };
}
