"""What the model reads of a result: it reads text."""

from __future__ import annotations

import json

from mcp_types import (
    AudioContent,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)


def answer_text(result: CallToolResult) -> str:
    """The blocks, one below the other; where there are none, the structured content as JSON."""
    if not result.content and result.structured_content is not None:
        return json.dumps(result.structured_content, ensure_ascii=False)
    return "\n".join(_text(block) for block in result.content) or "(The tool returned nothing.)"


def _text(block: ContentBlock) -> str:
    match block:
        case TextContent():
            return block.text
        case EmbeddedResource(resource=TextResourceContents() as resource):
            return resource.text
        case EmbeddedResource():
            return f"[A resource that is not text: {block.resource.uri}]"
        case ResourceLink():
            return f"[{block.name}: {block.uri}]"
        case ImageContent() | AudioContent():
            return f"[{block.type}, {block.mime_type}: it cannot be shown here]"
