'use strict';
// Figures and elements. Names come from strangers: they only ever become text nodes.

const kUnits = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'];

// "635 GB", "1.00 kB", "32 B": three significant digits.
function bytesText(bytes) {
  let size = Math.abs(bytes);
  let unit = 0;
  while (unit + 1 < kUnits.length && (unit === 0 ? size >= 1000 : Number(size.toPrecision(3)) >= 1000)) {
    size /= 1000;
    ++unit;
  }
  const sign = bytes < 0 ? '−' : '';
  return `${sign}${unit === 0 ? size : threeDigits(size)} ${kUnits[unit]}`;
}

function threeDigits(value) {
  return value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
}

function countText(count) {
  return String(count).replace('-', '−').replace(/\B(?=(\d{3})+$)/g, ',');
}

// Layers an image, ratios.
function numberText(value) {
  return value < 999.5 ? threeDigits(value) : countText(Math.round(value));
}

function percentText(part, whole) {
  if (!whole) return '–';
  const percent = 100 * part / whole;
  if (percent > 0 && percent < 0.05) return '<0.1 %';
  return `${percent.toFixed(1)} %`.replace('-', '−');
}

// "−47.8 %" of `value` against `base`.
function changeText(value, base) {
  if (value === base) return '=';
  if (!base) return '';
  const change = 100 * (value / base - 1);
  if (Math.abs(change) < 0.05) return change > 0 ? '+<0.1 %' : '−<0.1 %';
  return `${change > 0 ? '+' : '−'}${Math.abs(change).toFixed(1)} %`;
}

// What something saves: "−105 MB" where it does, "+455 kB" where it costs.
function savedText(bytes) {
  if (bytes === 0) return '0';
  return (bytes > 0 ? '−' : '+') + bytesText(Math.abs(bytes));
}

function plural(count, noun, nouns) {
  return `${countText(count)} ${count === 1 ? noun : nouns || noun + 's'}`;
}

// An element with attributes, listeners (functions) and children (nodes or texts).
function el(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === 'function') element.addEventListener(key, value);
    else if (key === 'class') element.className = value;
    else element.setAttribute(key, value === true ? '' : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

// A figure that says its raw value to whoever asks: programs, and a pointer that rests on it.
function figure(raw, text, unit) {
  return el('data', {value: String(raw), title: `${countText(raw)} ${unit}`}, text);
}
const bytesFigure = (bytes) => figure(bytes, bytesText(bytes), 'bytes');
const savedFigure = (bytes) => figure(bytes, savedText(bytes), 'bytes saved');
// Layers fewer over all images: "−12", "+3".
const savedLayers = ({saves_layers}) => figure(saves_layers,
    saves_layers === 0 ? '0' : `${saves_layers > 0 ? '−' : '+'}${countText(Math.abs(saves_layers))}`, 'layers fewer');
const countFigure = (count) => el('data', {value: String(count)}, countText(count));

// A bar of `part` of `whole`, in the colour of a class.
function bar(part, whole, kind) {
  const filled = el('span', {class: `fill ${kind}`});
  filled.style.width = `${whole > 0 ? Math.max(0, Math.min(100, 100 * part / whole)) : 0}%`;
  return el('span', {class: 'bar', 'aria-hidden': 'true'}, filled);
}

function sum(rows, value) {
  return rows.reduce((total, row) => total + value(row), 0);
}
