// Walks through the page in a real browser, as a person does: every screen by its content, the way from a repository to a commit, a
// dependent, its symbol and a search, by mouse and by keys. Fails at the first thing that is not as it should be.
//
// usage: browse.mjs ADDRESS CHROMIUM            the story of tests/page_browser.rs
//        browse.mjs ADDRESS CHROMIUM DIRECTORY  a picture of each screen, in light, dark and on a telephone
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

const [address, executablePath, pictures] = process.argv.slice(2);
const origin = new URL(address).origin;
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

function check(is, what) {
  if (!is) throw new Error(what);
  console.log(`ok: ${what}`);
}

const browser = await chromium.launch({
  executablePath,
  // The sandbox of the browser does not work for root, and a container has little shared memory.
  args: ['--disable-dev-shm-usage', ...(process.getuid() === 0 ? ['--no-sandbox'] : [])],
});

// Chromium keeps extensions and updates to itself; what a page asks is seen here.
async function opened(options) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const faults = [];
  page.on('console', (message) => { if (message.type() === 'error') faults.push(message.text()); });
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('dialog', (dialog) => { faults.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on('request', (request) => { if (!request.url().startsWith(`${origin}/`)) faults.push(`asks ${request.url()}`); });
  return { context, page, faults };
}

// A part of a screen may still be worked out: the page gets it by itself.
async function settled(page) {
  await page.waitForFunction(() => !document.querySelector('main .wait'), null, { timeout: 60_000 });
}

// Serious faults of access, as axe-core finds them. The policy of the page admits no script but its own, so the check runs outside it.
async function accessible(page, name) {
  const result = await page.evaluate(`${axe}; axe.run(document, { resultTypes: ['violations'] })`);
  const serious = result.violations.filter((one) => ['serious', 'critical'].includes(one.impact));
  const said = serious.map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.html).join(' | ')}`);
  check(serious.length === 0, `${name} has no serious fault of access ${said.join('; ')}`);
}

async function fits(page, name) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  check(over <= 0, `${name} is no wider than its window (${over})`);
}

async function story() {
  const { context, page, faults } = await opened({});
  const text = () => page.locator('main').innerText();
  const refused = await page.request.get(`${origin}/`);
  check(refused.status() === 403, 'without the token nothing is answered');

  await page.goto(address);
  check(!page.url().includes('token'), 'the token is not kept in the address');
  const cookies = await context.cookies();
  check(cookies.length === 1 && cookies[0].httpOnly && cookies[0].sameSite === 'Strict', 'the cookie is for this site alone');
  await page.waitForFunction(() => document.getElementById('live').textContent === 'live');
  await settled(page);
  check((await text()).includes('current'), 'the repository is current');
  await accessible(page, 'Repositories');

  // repository -> commit
  await page.locator('.card h2 a').first().click();
  await settled(page);
  check((await text()).includes('Widen the limit'), 'the repository lists its commits');
  await accessible(page, 'the repository');
  await page.getByRole('link', { name: 'Findings at HEAD' }).click();
  await settled(page);
  check((await page.locator('h1').innerText()) === 'Findings', 'findings have a screen');
  await accessible(page, 'Findings');
  await page.goBack();
  await page.locator('#commits a.go').first().click();
  await settled(page);
  check((await text()).includes('because it uses'), 'the commit names the cause of each dependent');
  await accessible(page, 'Commit');

  // commit -> dependent -> symbol
  await page.locator('#dependents a.go').filter({ hasText: 'retry' }).click();
  check((await page.locator('h1').innerText()).startsWith('retry'), 'a dependent leads to its file');
  check((await page.locator('.code .line.uses').count()) > 0, 'the lines that use another file are marked');
  await accessible(page, 'File');
  await page.locator('.side .chip').filter({ hasText: 'clamp' }).first().click();
  check((await page.locator('h1').innerText()).includes('clamp'), 'what it uses leads to the symbol');
  const users = await page.locator('.side').first().innerText();
  check(users.includes('retry') && users.includes('report'), 'the symbol has its users');
  await accessible(page, 'Symbol');

  // -> search, by keys, as one types
  await page.keyboard.press('/');
  await page.waitForURL('**/search');
  await page.waitForFunction(() => document.activeElement && document.activeElement.id === 'q');
  await page.keyboard.type('number below the limit');
  await page.waitForFunction(() => document.querySelectorAll('.hit').length > 0);
  check(page.url().includes('q=number'), 'a search has its address');
  check((await text()).includes('clamp'), 'it finds as one types');
  await accessible(page, 'Search');
  await page.selectOption('select[name=kind]', 'section');
  await page.waitForFunction(() => !document.querySelector('.hits')?.innerText.includes('clamp'));
  check(page.url().includes('kind=section'), 'a filter is in the address');
  await page.selectOption('select[name=kind]', '');
  await page.waitForFunction(() => document.querySelector('.hits')?.innerText.includes('clamp'));
  await page.keyboard.press('Escape');
  await page.locator('#q').focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/file?**');
  check((await page.locator('.code .line.meant, .code .line:target').count()) > 0, 'a hit leads to its line');

  // The other screens, by keys.
  for (const [key, title] of [['q', 'Queue'], ['m', 'Money'], ['r', 'Repositories']]) {
    await page.keyboard.press('g');
    await page.keyboard.press(key);
    await page.waitForFunction((title) => document.querySelector('h1')?.textContent === title, title);
    await settled(page);
    await accessible(page, title);
  }
  await page.keyboard.press('j');
  check(await page.evaluate(() => Boolean(document.activeElement.closest('[data-row]'))), 'keys move through the rows');

  check(faults.length === 0, `nothing went wrong in the browser ${faults.join('; ')}`);
  await context.close();
}

// Dark, and on a narrow window, nothing is lost and nothing is hard to read.
async function elsewhere(paths) {
  for (const options of [{ colorScheme: 'dark' }, { viewport: { width: 400, height: 800 } }]) {
    const { context, page, faults } = await opened(options);
    await page.goto(address);
    for (const path of paths) {
      await page.goto(`${origin}${path}`);
      await settled(page);
      if (options.viewport) await fits(page, `${path} at 400 px`);
      else await accessible(page, `${path} in the dark`);
    }
    check(faults.length === 0, `nothing went wrong ${faults.join('; ')}`);
    await context.close();
  }
}

// The addresses of all screens, found as a person finds them.
async function screens() {
  const { context, page } = await opened({});
  await page.goto(address);
  await settled(page);
  const first = async (selector) => new URL(await page.locator(selector).first().getAttribute('href'), origin);
  const repo = await first('.card h2 a');
  await page.goto(repo.href);
  await settled(page);
  const commit = await first('#commits a.go');
  await page.goto(commit.href);
  await settled(page);
  const file = await first('#dependents a.go');
  const symbol = await first('#dependents .chip');
  await context.close();
  const path = (url) => url.pathname + url.search;
  return {
    repositories: '/',
    repository: path(repo),
    findings: `${repo.pathname}/findings?severity=all`,
    commit: path(commit),
    file: path(file),
    symbol: path(symbol),
    search: '/search?q=limit',
    queue: '/queue?state=done',
    money: '/money',
  };
}

async function photograph(all) {
  const kinds = {
    light: { colorScheme: 'light' },
    dark: { colorScheme: 'dark' },
    narrow: { viewport: { width: 400, height: 800 }, colorScheme: 'light' },
  };
  for (const [kind, options] of Object.entries(kinds)) {
    const { context, page } = await opened(options);
    await page.goto(address);
    for (const [name, path] of Object.entries(all)) {
      await page.goto(`${origin}${path}`);
      await settled(page);
      const file = `${pictures}/${name}-${kind}.png`;
      await page.screenshot({ path: file });
      console.log(file);
    }
    await context.close();
  }
}

try {
  if (pictures) {
    await photograph(await screens());
  } else {
    await story();
    await elsewhere(Object.values(await screens()));
  }
} finally {
  await browser.close();
}
