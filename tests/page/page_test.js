// Drives the page of `gneiss report` in a real browser and holds it against the data it was made of.
//
//   node page_test.js CHROMIUM PAGE.html DATA.json FOLDER      screenshots and the PDF go to FOLDER
'use strict';

const assert = require('assert');
const fs = require('fs');
const path = require('path');
const {pathToFileURL} = require('url');
const {chromium} = require('playwright-core');

const [executablePath, page_file, data_file, folder] = process.argv.slice(2);
const url = pathToFileURL(path.resolve(page_file)).href;
const data = JSON.parse(fs.readFileSync(data_file, 'utf8'));

// Opens the page as somebody with these settings sees it. Complaints and requests are collected.
async function open(browser, settings) {
  const context = await browser.newContext(settings);
  const page = await context.newPage();
  page.complaints = [];
  page.requests = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) page.complaints.push(message.text());
  });
  page.on('pageerror', (error) => page.complaints.push(String(error)));
  page.on('request', (request) => page.requests.push(request.url()));
  await page.goto(url);
  await page.waitForSelector('body[data-ready=true]');
  return page;
}

async function close(page) {
  assert.deepStrictEqual(page.complaints, [], 'the console complains');
  assert.deepStrictEqual(page.requests, [url], 'the page asks for more than itself');
  await page.context().close();
}

// Raw values of the figures below a selector.
const values = (page, selector) => page.$$eval(`${selector} data`, (all) => all.map((one) => Number(one.value)));

async function figuresEqualTheData(page) {
  const inside = await page.$eval('#data', (element) => JSON.parse(element.textContent));
  assert.deepStrictEqual(inside, data, 'the data in the page is not the JSON report');
  const shown = data.levels.filter((level) => level.role !== 'comparison');
  const expected = shown.flatMap((level) => [level.storage_bytes, level.transfer_bytes, level.layers_per_image, level.cost]);
  assert.deepStrictEqual(await values(page, '#levels tbody'), expected, 'levels');
  const stored = await values(page, '.tile');
  assert.strictEqual(stored[0], data.fleet.physical_bytes, 'stored today');
  const first = data.recommendations.slice(0, 3);
  assert.deepStrictEqual(await values(page, '.cards'),
                         first.flatMap((r) => [r.saves_storage_bytes, r.saves_transfer_bytes, r.saves_layers]), 'do first');
  if (data.waste) {
    const total = await values(page, '#waste tfoot');
    assert.strictEqual(total[0], data.waste.saves_storage_bytes, 'waste adds up');
    assert.strictEqual(total[1], data.waste.saves_transfer_bytes, 'waste moved adds up');
  }
}

async function tablesAddUp(page) {
  const tabs = await page.$$('#groups [role=tab]');
  assert.strictEqual(tabs.length, data.tables.length);
  for (const tab of tabs) {
    await tab.click();
    const total = await values(page, '#groups tfoot .total');
    const {fleet} = data;
    const expected = [fleet.images, fleet.logical_bytes - fleet.repeated_bytes, fleet.physical_bytes];
    assert.deepStrictEqual(total.slice(0, 3), expected, `TOTAL of ${await tab.textContent()}`);
  }
  const images = await values(page, '#images > .table tfoot .total');
  assert.strictEqual(images[1], data.fleet.physical_bytes, 'images add up');
}

async function searchAndSort(page) {
  const section = '#images > .table';
  const name = data.images[data.images.length - 1].name;
  await page.fill(`${section} input[type=search]`, name);
  const rows = await page.$$eval(`${section} tbody tr td:first-child`, (cells) => cells.map((cell) => cell.textContent));
  assert(rows.length > 0 && rows.every((row) => row.includes(name)), `search finds ${rows}`);
  assert(rows.length < data.images.length, 'search leaves nothing out');
  await page.fill(`${section} input[type=search]`, 'no such image at all');
  assert.match(await page.textContent(`${section} tbody`), /no row has all these words/);
  await page.fill(`${section} input[type=search]`, '');
  const logical = () => page.$$eval(`${section} tbody tr`, (all) => all.map((row) => Number(row.querySelectorAll('data')[1].value)));
  const sizes = data.images.map((image) => image.logical_bytes).sort((a, b) => a - b);
  const header = page.locator(`${section} thead button`, {hasText: 'logical'});
  await header.click();
  assert.strictEqual((await logical())[0], sizes[sizes.length - 1], 'largest first');
  await header.click();
  assert.strictEqual((await logical())[0], sizes[0], 'smallest first');
  const shown = await logical();
  assert.deepStrictEqual(shown, [...shown].sort((a, b) => a - b));
  assert.strictEqual(await page.getAttribute(`${section} th[aria-sort=ascending]`, 'scope'), 'col');
}

async function imageInFull(page) {
  await page.locator('#images > .table tbody button.choose').first().click();
  const name = await page.textContent('#image-detail h3');
  const image = data.images.find((one) => one.name === name);
  const total = await values(page, '#image-detail tfoot .total');
  const bytes = image.layers.reduce((sum, layer) => sum + data.layers[layer].size, 0);
  assert.strictEqual(total[0], bytes, 'layers of an image add up');
  const strips = await page.$$eval('#image-detail .strip', (all) => all.map((strip) => strip.childElementCount));
  assert.strictEqual(strips[0], image.layers.length, 'today');
  assert.strictEqual(strips[1], image.planned.squash.length, 'squash');
}

const crumbs = (page) => page.$$eval('#tree .crumbs li', (all) => all.map((one) => one.textContent));

async function historyOverTime(page) {
  const shown = await page.isVisible('#history');
  assert.strictEqual(shown, data.history.length > 1, 'the section is there when there is a history');
  assert.strictEqual(await page.isVisible('nav a[href="#history"]'), shown);
  if (!shown) return;
  const lines = ['stored_bytes', 'planned_bytes'].filter((key) => key in data.history[0]);
  assert.strictEqual(await page.locator('#history path.line').count(), lines.length);
  assert.strictEqual(await page.locator('#history .line-title').count(), lines.length);
  await page.click('#history summary');
  const figures = await page.$$eval('#history tbody tr', (all) =>
    all.map((row) => Number(row.querySelectorAll('data')[0].value)));
  const stored = data.history.map((point) => point.stored_bytes);
  assert.deepStrictEqual(figures, stored.slice(0, figures.length));
  assert(figures.length > 1);
}

async function zoom(page) {
  const bars = page.locator('#tree [role=treeitem]');
  assert(await bars.count() > 2, 'the tree has no bars');
  const largest = await page.$$eval('#tree [role=treeitem]', (all) => all[1].getAttribute('aria-label'));
  await bars.nth(1).click({position: {x: 5, y: 5}});
  assert.strictEqual((await crumbs(page)).length, 2, 'a click zooms');
  assert.strictEqual(await bars.first().getAttribute('aria-label'), largest);
  await page.locator('#tree .crumbs button').first().click();
  assert.strictEqual((await crumbs(page)).length, 1, 'breadcrumbs lead back');
  // By keys alone: down to the first branch, into it, and back.
  await bars.first().focus();
  await page.keyboard.press('ArrowDown');
  assert.strictEqual(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), largest);
  await page.keyboard.press('ArrowRight');
  assert.notStrictEqual(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), largest);
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('Enter');
  assert.strictEqual((await crumbs(page)).length, 2, 'Enter zooms');
  await page.keyboard.press('Escape');
  assert.strictEqual((await crumbs(page)).length, 1, 'Escape goes back');
}

// Everything that can be pressed is reached by Tab and has a name.
async function keyboardReaches(page) {
  const nameless = await page.$$eval('button, input, a, [tabindex="0"]', (all) => all.filter((one) =>
      !(one.textContent || one.getAttribute('aria-label') || '').trim()).map((one) => one.outerHTML.slice(0, 80)));
  assert.deepStrictEqual(nameless, [], 'elements without a name');
}

async function main() {
  const browser = await chromium.launch({executablePath, args: ['--no-sandbox', '--disable-gpu']});
  const wide = {viewport: {width: 1280, height: 900}};
  try {
    let page = await open(browser, wide);
    const paint = await page.evaluate(() => performance.getEntriesByType('paint')
        .find((entry) => entry.name === 'first-contentful-paint').startTime);
    console.log(`page_test: first paint after ${Math.round(paint)} ms, page of ${fs.statSync(page_file).size} bytes`);
    await page.screenshot({path: path.join(folder, 'light.png'), fullPage: true});
    await figuresEqualTheData(page);
    await tablesAddUp(page);
    await searchAndSort(page);
    await imageInFull(page);
    await historyOverTime(page);
    await zoom(page);
    await keyboardReaches(page);
    await page.pdf({path: path.join(folder, 'print.pdf'), format: 'A4', printBackground: true});
    assert(fs.statSync(path.join(folder, 'print.pdf')).size > 10000, 'nothing is printed');
    await page.emulateMedia({media: 'print'});
    assert.strictEqual(await page.evaluate(() => getComputedStyle(document.querySelector('nav')).display), 'none');
    await close(page);

    const ground = (at) => at.evaluate(() => getComputedStyle(document.body).backgroundColor);
    page = await open(browser, {...wide, colorScheme: 'dark'});
    const dark = await ground(page);
    await page.screenshot({path: path.join(folder, 'dark.png'), fullPage: true});
    await close(page);
    page = await open(browser, {viewport: {width: 400, height: 800}, reducedMotion: 'reduce', colorScheme: 'light'});
    assert.notStrictEqual(await ground(page), dark, 'dark is as light');
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert(overflow <= 0, `the page is ${overflow} pixels too wide for a telephone`);
    await page.screenshot({path: path.join(folder, 'narrow.png'), fullPage: true});
    await close(page);
  } finally {
    await browser.close();
  }
  console.log('page_test: passed');
}

main().catch((error) => {
  console.error(`page_test: ${error.stack}`);
  process.exit(1);
});
