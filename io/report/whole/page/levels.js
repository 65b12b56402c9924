// The waterfall: today, each level of the plan, the floor, and how sure we are.

const kLevelNotes = {
  today: 'as the registry has it',
  squash: 'layers joined; no image changes',
  rebase: 'images move to another version of their base; files change',
  bases: 'new common bases made of what images share',
  carve: 'layers made anew, the same files',
  floor: 'every file stored once; no layout stores less',
};

function proofText(level) {
  if (level.role === 'today') return '';
  if (level.role === 'floor') return 'bound';
  const percent = 100 * level.gap;
  const gap = `gap ${percent === 0 ? '0' : percent < 0.01 ? '<0.01' : percent.toPrecision(2)} %`;
  return level.status === 'iteration limit' ? gap : `${level.status}, ${gap}`;
}

// A bar of the level with what it saves against today as a pale rest, and marks of bounds.
function levelBar(value, today, scale, kind, mark) {
  const cell = bar(value, scale, kind);
  if (value < today) {
    const saved = el('span', {class: 'saved'});
    saved.style.left = `${100 * value / scale}%`;
    saved.style.width = `${100 * (today - value) / scale}%`;
    cell.append(saved);
  }
  if (mark) {
    const line = el('span', {class: 'mark'});
    line.style.left = `${100 * mark / scale}%`;
    cell.append(line);
  }
  return cell;
}

function levelCell(level, key, shown, kind, mark) {
  const today = shown[0][key];
  const scale = Math.max(...shown.map((other) => other[key]), 1);
  return el('td', {}, el('span', {class: 'level-figures'}, bytesFigure(level[key]),
                         level.role === 'today' ? null : el('span', {class: 'change'}, changeText(level[key], today))),
            levelBar(level[key], today, scale, kind, mark));
}

function levelRow(level, shown, floor, has_prices) {
  const note = kLevelNotes[level.level];
  const mark = (key) => floor && level.role !== 'floor' ? floor[key] : 0;
  return el('tr', {class: level.role},
            el('th', {scope: 'row', class: 'text'}, level.level, note ? el('small', {}, note) : null),
            levelCell(level, 'storage_bytes', shown, 'storage', mark('storage_bytes')),
            levelCell(level, 'transfer_bytes', shown, 'transfer', mark('transfer_bytes')),
            el('td', {class: 'plain'}, el('data', {value: String(level.layers_per_image)}, numberText(level.layers_per_image))),
            has_prices ? el('td', {class: 'plain'}, level.price >= 1 ? numberText(level.price) : level.price.toPrecision(3)) : null,
            levelCell(level, 'cost', shown, 'cost', level.lower_bound),
            el('td', {class: 'text proof'}, proofText(level)));
}

function comparisonText(report) {
  const today = report.levels[0];
  const of = (name) => report.levels.find((level) => level.level === name);
  const text = (level) => `${bytesText(level.storage_bytes)} stored (${
      changeText(level.storage_bytes, today.storage_bytes)}), ${bytesText(level.transfer_bytes)} moved (${
      changeText(level.transfer_bytes, today.transfer_bytes)})`;
  return el('p', {class: 'note'}, 'For comparison, the usual advice: flattening every image comes to ',
            text(of('flatten')), '; keeping the base and squashing the rest to ', text(of('keep base')), '.');
}

function buildLevels(report, section) {
  const shown = report.levels.filter((level) => level.role !== 'comparison');
  const floor = shown.find((level) => level.role === 'floor');
  const {has_prices} = report.model;
  const head = ['level', 'stored', 'moved', 'layers / image', has_prices ? 'price' : null, 'cost', 'proof'];
  section.append(
      el('h2', {id: 'levels-title'}, 'From today to the best possible'),
      el('p', {class: 'note'}, 'Layers only. Each level is a plan of its own. Pale: what it saves against today. Lines: ',
         floor ? 'the floor (stored, moved) and ' : '', 'the proven lower bound of that level (cost). ',
         report.model.description, '.'),
      ...report.model.kept.map((line) => el('p', {class: 'note'}, `${line}.`)),
      el('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Levels of the plan'},
         el('table', {class: 'levels'}, el('caption', {class: 'visually-hidden'}, 'Levels of the plan'),
            el('thead', {}, el('tr', {}, head.filter(Boolean).map((title) => el('th', {scope: 'col',
               class: ['level', 'stored', 'moved', 'cost', 'proof'].includes(title) ? 'text' : null}, title)))),
            el('tbody', {}, shown.map((level) => levelRow(level, shown, floor, has_prices))))),
      comparisonText(report));
}
