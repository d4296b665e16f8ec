// What streams of replies that are not done: reasoning, text and calls by step.

export class LiveReplies {
  constructor() {
    this.steps = new Map();
  }

  of(stepId) {
    return this.steps.get(stepId) ?? null;
  }

  take(event) {
    const { type, step_id: stepId, data } = event;
    if (!stepId) return;
    if (["step.completed", "step.failed", "step.restarted"].includes(type)) {
      this.steps.delete(stepId); // done, or void
      return;
    }
    const live = this.steps.get(stepId) ?? { reasoning: "", text: "", calls: new Map() };
    if (type === "output_text.delta") live.text += data.delta;
    else if (type === "reasoning_text.delta") live.reasoning += data.delta;
    else if (type === "item.added" && data.item.type === "tool_call") live.calls.set(data.item.id, [data.item.name, ""]);
    else if (type === "tool_call.arguments.delta" && live.calls.has(data.item_id)) live.calls.get(data.item_id)[1] += data.delta;
    else return;
    this.steps.set(stepId, live);
  }
}
