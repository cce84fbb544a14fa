"""Speaks to the server as the official SDK for Python does. The first failure ends it."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time

from mcp import Client, MCPError, StdioServerParameters

TOOLS = ["impact", "search", "show", "status"]
# Bytes of compact JSON that count as 8,000 tokens.
ANSWER_MAX = 8_000 * 4
# How long anything may take before it counts as hanging.
PATIENCE = 60

program, repo = sys.argv[1:3]


def server():
    kept = ("HOME", "PATH", "RA_AGENT_HOME", "RA_AGENT_TEST_CLOCK_SHIFT", "LC_ALL")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    return StdioServerParameters(command=program, args=["mcp"], env=environment, cwd=repo)


def text_of(result):
    """The text of an answer, which is all that it has."""
    assert result.structured_content is None, result
    assert [part.type for part in result.content] == ["text"], result
    assert len(json.dumps(result.content[0].text, separators=(",", ":"))) <= ANSWER_MAX
    return result.content[0].text


def cursor_of(text):
    found = re.search(r'cursor "([^"]+)"\]$', text)
    return found and found.group(1)


async def tools(client):
    listed = (await client.list_tools()).tools
    assert sorted(tool.name for tool in listed) == TOOLS, listed
    for tool in listed:
        assert tool.output_schema is None, tool
        assert tool.annotations.read_only_hint is True, tool
        assert tool.meta["anthropic/alwaysLoad"] is True, tool
    # A client that is set on a version does not ask what the server is.
    assert client.instructions or client.mode == "2026-07-28", "what the tools are for, and when not to use them"


async def each_tool(client):
    for name, arguments, words in [
        ("search", {"query": "retry a request"}, ["src/lib.rs", "retry_request"]),
        ("show", {"targets": ["retry_request"]}, ["src/lib.rs", "attempts", "caller"]),
        ("show", {"targets": ["src/lib.rs"], "with": ["users"], "repo": repo}, ["src/lib.rs"]),
        ("impact", {"symbol": "retry_request"}, ["src/caller.rs"]),
        ("impact", {"range": "HEAD~1..HEAD"}, ["src/lib.rs"]),
        ("status", {}, [os.path.basename(repo)]),
    ]:
        result = await client.call_tool(name, arguments)
        text = text_of(result)
        assert not result.is_error, (name, arguments, text)
        assert text.splitlines()[0] == "current", (name, text)
        assert result.meta["ra-agent/freshness"]["state"] == "current", result.meta
        for word in words:
            assert word in text, (name, arguments, word, text)


async def cursors(client):
    arguments = {"targets": [f"crowd_{n}" for n in range(20)], "with": ["source"]}
    parts, cursor = [], None
    while True:
        result = await client.call_tool("show", arguments | ({"cursor": cursor} if cursor else {}))
        assert not result.is_error, result
        parts.append(text_of(result))
        cursor = cursor_of(parts[-1])
        if cursor is None:
            break
        assert len(parts) < 20, "the cursors lead nowhere"
    assert len(parts) >= 2 and len(set(parts)) == len(parts), len(parts)
    for n in range(20):
        assert sum(f"// crowd {n} line 29:" in part for part in parts) == 1, n
    result = await client.call_tool("show", arguments | {"cursor": "no-cursor"})
    assert result.is_error and "cursor" in text_of(result), result


async def errors(client):
    for name, arguments, word in [
        ("search", {}, "query"),
        ("search", {"query": "x", "filter": 1}, "filter"),
        ("search", {"query": "x", "repo": "/no/such/repository"}, "/no/such/repository"),
        ("impact", {"range": "nonsense"}, "nonsense"),
    ]:
        result = await client.call_tool(name, arguments)
        assert result.is_error and word in text_of(result), (name, arguments, result)
    result = await client.call_tool("show", {"targets": ["retry_requst"]})
    text = text_of(result)
    assert not result.is_error and "not found" in text and "retry_request" in text, text
    assert "attempts" not in text, "another symbol is named, not shown"
    try:
        result = await client.call_tool("no_such_tool", {})
        assert result.is_error, result
    except MCPError as error:
        assert "no_such_tool" in str(error) or error.error.code == -32602, error


async def cancellation(client):
    for _ in range(20):
        asked = asyncio.create_task(client.call_tool("search", {"query": "crowd", "detail": "bodies", "limit": 50}))
        await asyncio.sleep(0)
        asked.cancel()
        try:
            await asked
        except asyncio.CancelledError:
            pass
    result = await client.call_tool("status", {})
    assert not result.is_error, "it answers after 20 questions were given up"


async def speak(mode, version):
    async with Client(server(), mode=mode) as client:
        assert client.session.protocol_version == version, client.session.protocol_version
        for check in (tools, each_tool, cursors, errors, cancellation):
            await asyncio.wait_for(check(client), PATIENCE)
            print(f"{version} ({mode}): {check.__name__}", flush=True)


class Raw:
    """A client that writes what it likes."""

    def __init__(self):
        parameters = server()
        self.process = subprocess.Popen(
            [program, "mcp"], cwd=repo, env=parameters.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def send(self, line):
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def answer(self, number):
        for line in self.process.stdout:
            message = json.loads(line)
            if message.get("id") == number:
                return message
        raise AssertionError(f"it ended with {self.process.wait(PATIENCE)}")

    def ask(self, number, method, **params):
        self.send(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode())
        return self.answer(number)

    def greet(self, version):
        who = {"name": "raw", "version": "1"}
        reply = self.ask(1, "initialize", protocolVersion=version, capabilities={}, clientInfo=who)
        self.send(b'{"jsonrpc":"2.0","method":"notifications/initialized"}')
        return reply["result"]

    def end(self):
        self.process.stdin.close()
        assert self.process.wait(PATIENCE) == 0


def versions():
    for version in ("2025-06-18", "2025-11-25"):
        raw = Raw()
        greeting = raw.greet(version)
        assert greeting["protocolVersion"] == version, greeting
        result = raw.ask(2, "tools/call", name="status", arguments={})["result"]
        assert result["content"][0]["text"].startswith("current"), result
        raw.end()
    raw = Raw()
    assert raw.greet("1999-01-01")["protocolVersion"] in ("2025-06-18", "2025-11-25"), "the newest that it speaks"
    raw.end()


def malformed_frames():
    raw = Raw()
    raw.greet("2025-11-25")
    for number, frame in enumerate([
        b"{",
        b"\x00\xff\xfe",
        b"[]",
        b'{"jsonrpc":"2.0","method":7}',
        b'{"jsonrpc":"2.0","id":99,"method":"no/such/method"}',
        b'{"jsonrpc":"2.0","id":98,"method":"tools/call","params":{"name":7}}',
        b"",
        b'"' + b"x" * 1_000_000 + b'"',
    ]):
        raw.send(frame)
        reply = raw.ask(100 + number, "tools/call", name="status", arguments={})
        assert reply["result"]["content"][0]["text"].startswith("current"), (frame[:40], reply)
    raw.end()


def a_client_that_dies():
    """Killed, it closes nothing by itself; its server is gone all the same."""
    client = subprocess.Popen([sys.executable, __file__, program, repo, "hang"], stdout=subprocess.PIPE)
    pid = int(client.stdout.readline())
    assert is_there(pid)
    client.send_signal(signal.SIGKILL)
    client.wait()
    end = time.monotonic() + PATIENCE
    while is_there(pid):
        assert time.monotonic() < end, "the server outlives its client"
        time.sleep(0.02)


def is_there(pid):
    """Whether a process runs; one that has ended and only waits for its parent does not."""
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(") ", 1)[1][0] != "Z"
    except ProcessLookupError:
        return False
    except FileNotFoundError:
        return os.path.isdir("/proc/self") is False


def hang():
    raw = Raw()
    raw.greet("2025-11-25")
    print(raw.process.pid, flush=True)
    time.sleep(PATIENCE)


def main():
    asyncio.run(speak("legacy", "2025-11-25"))
    asyncio.run(speak("2026-07-28", "2026-07-28"))
    asyncio.run(speak("auto", "2026-07-28"))
    for check in (versions, malformed_frames, a_client_that_dies):
        check()
        print(check.__name__, flush=True)


if sys.argv[3:] == ["hang"]:
    hang()
else:
    main()
