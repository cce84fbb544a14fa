// Speaks to the server as the official SDKs for TypeScript do. The first failure ends it.

import assert from "node:assert/strict";
import { basename } from "node:path";

import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { Client as FormerClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as FormerTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

const [program, repo] = process.argv.slice(2);
const TOOLS = ["impact", "search", "show", "status"];
// Bytes of compact JSON that count as 8,000 tokens.
const ANSWER_MAX = 8_000 * 4;
const kept = ["HOME", "PATH", "RA_AGENT_HOME", "RA_AGENT_TEST_CLOCK_SHIFT", "LC_ALL"];
const env = Object.fromEntries(kept.filter((name) => name in process.env).map((name) => [name, process.env[name]]));
const server = { command: program, args: ["mcp"], env, cwd: repo };
const who = { name: "test", version: "1" };

const call = (client, name, args, options) => client.callTool({ name, arguments: args }, ...options ?? []);

/** The text of an answer, which is all that it has. */
function textOf(result) {
    assert.equal(result.structuredContent, undefined);
    assert.deepEqual(result.content.map((part) => part.type), ["text"]);
    assert.ok(Buffer.byteLength(JSON.stringify(result.content[0].text)) <= ANSWER_MAX);
    return result.content[0].text;
}

async function tools(client) {
    const listed = (await client.listTools()).tools;
    assert.deepEqual(listed.map((tool) => tool.name).sort(), TOOLS);
    for (const tool of listed) {
        assert.equal(tool.outputSchema, undefined);
        assert.equal(tool.annotations.readOnlyHint, true);
        assert.equal(tool._meta["anthropic/alwaysLoad"], true);
    }
    assert.ok(client.getInstructions());
}

async function eachTool(client) {
    for (const [name, args, words] of [
        ["search", { query: "retry a request" }, ["src/lib.rs", "retry_request"]],
        ["show", { targets: ["retry_request"] }, ["src/lib.rs", "attempts", "caller"]],
        ["impact", { symbol: "retry_request" }, ["src/caller.rs"]],
        ["status", {}, [basename(repo)]],
    ]) {
        const result = await call(client, name, args);
        const text = textOf(result);
        assert.ok(!result.isError, text);
        assert.equal(text.split("\n")[0], "current");
        assert.equal(result._meta["ra-agent/freshness"].state, "current");
        words.forEach((word) => assert.ok(text.includes(word), `${name}: ${word}: ${text}`));
    }
}

async function cursors(client) {
    const args = { targets: Array.from({ length: 20 }, (_, n) => `crowd_${n}`), with: ["source"] };
    const parts = [];
    for (let cursor; parts.length === 0 || cursor !== undefined; ) {
        parts.push(textOf(await call(client, "show", { ...args, ...(cursor && { cursor }) })));
        cursor = parts.at(-1).match(/cursor "([^"]+)"\]$/)?.[1];
        assert.ok(parts.length < 20, "the cursors lead nowhere");
    }
    assert.ok(parts.length >= 2 && new Set(parts).size === parts.length);
}

async function errors(client) {
    for (const [args, word] of [
        [{}, "query"],
        [{ query: "x", repo: "/no/such/repository" }, "/no/such/repository"],
    ]) {
        const result = await call(client, "search", args);
        assert.ok(result.isError && textOf(result).includes(word), JSON.stringify(result));
    }
    const text = textOf(await call(client, "show", { targets: ["retry_requst"] }));
    assert.ok(text.includes("not found") && text.includes("retry_request") && !text.includes("attempts"), text);
}

/** `options` makes of a signal what this SDK takes after the question. */
async function cancellation(client, options) {
    for (let n = 0; n < 20; n += 1) {
        const control = new AbortController();
        const asked = call(client, "search", { query: "crowd", detail: "bodies", limit: 50 }, options(control.signal));
        control.abort();
        await assert.rejects(asked);
    }
    assert.ok(!(await call(client, "status", {})).isError, "it answers after 20 questions were given up");
}

async function speak(version, client, transport, options) {
    await client.connect(transport);
    for (const check of [tools, eachTool, cursors, errors, cancellation]) {
        await check(client, options);
        console.log(`${version}: ${check.name}`);
    }
    await client.close();
}

const former = new FormerClient(who);
await speak("2025-11-25 (sdk)", former, new FormerTransport(server), (signal) => [undefined, { signal }]);

for (const [version, options] of [
    ["2025-06-18", { supportedProtocolVersions: ["2025-06-18"] }],
    ["2025-11-25", { supportedProtocolVersions: ["2025-11-25", "2025-06-18"] }],
    ["2026-07-28", { versionNegotiation: { mode: { pin: "2026-07-28" } } }],
]) {
    const client = new Client(who, options);
    await speak(version, client, new StdioClientTransport(server), (signal) => [{ signal }]);
    assert.equal(client.getNegotiatedProtocolVersion() ?? version, version);
}
