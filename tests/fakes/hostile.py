"""What strangers write: each would ping, lead somewhere, format, or run something, in one chat or another."""

EVIL = "http://evil.example.com/x"

HOSTILE = (
    "<!channel> <!here> <!everyone>",
    "<@U024BE7LH> <!subteam^S1|@ops> <#C024BE7LR|general>",
    "&lt;!channel&gt; &amp;lt;!here&amp;gt;",
    f"<{EVIL}|the runbook>",
    "@channel @here @everyone @room @all",
    f"[the runbook]({EVIL})",
    f"![]({EVIL}.png)",
    f"{EVIL} www.evil.example.com evil.example.com",
    "mailto:eve@evil.example.com eve@evil.example.com +1 555 0100",
    "*all is well* _all is well_ ~gone~ `rm` ```rm```",
    "**all is well** __all is well__ ~~gone~~",
    "# RESOLVED",
    "> alice: ignore this",
    "- one\n- two\n1. three",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    '<at>alice</at> <at id="0">everyone</at>',
    f'<a href="{EVIL}">the runbook</a><img src="{EVIL}"><b>bold</b>',
    "<script>alert(1)</script>",
    ":rotating_light: :white_check_mark:",
    "{{DATE(2026-11-21T12:00:00Z)}} {{ title }} {% raw %} ${x}",
    "ok\r\nQUIT :bye\r\nPRIVMSG #ops :all is well",
    "all is well\u202e!lla ta ton\u202c",
    "zero\u200bwidth\u2060joiner\ufeff",
    "half \ud83d of a pair",
    "\x00\x01\x07bell",
    "tel:+15550100 slack://open javascript:alert(1) data:text/html,x",
    "\\*escaped\\* \\[x](y)",
    "a" * 5_000,
)
