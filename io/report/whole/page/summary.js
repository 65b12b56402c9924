// What is wrong and what to do, in ten seconds.

// Less than this is no news.
const kNoNews = 0.01;

// The planned level that stores least; where none stores less than today, the one that costs least.
function bestLevel(report) {
  const [today] = report.levels;
  const planned = report.levels.filter((level) => level.role === 'planned');
  const least = (key) => planned.reduce((best, level) => level[key] < best[key] ? level : best);
  const stores_least = least('storage_bytes');
  return stores_least.storage_bytes < (1 - kNoNews) * today.storage_bytes ? stores_least : least('cost');
}

// The sentence that stands above all.
function leadText(report) {
  const today = report.levels[0];
  const best = bestLevel(report);
  const squash = report.levels.find((level) => level.level === 'squash');
  const who = plural(report.fleet.images, 'image');
  if (best.storage_bytes < (1 - kNoNews) * today.storage_bytes) {
    return [`${who} store ${bytesText(today.storage_bytes)} of layers; `,
            el('strong', {}, `${bytesText(best.storage_bytes)} would do (${
                changeText(best.storage_bytes, today.storage_bytes)})`), '.'];
  }
  if (squash.layers_per_image < (1 - kNoNews) * today.layers_per_image) {
    return [`${who} pull ${numberText(today.layers_per_image)} layers each; `,
            el('strong', {}, `${numberText(squash.layers_per_image)} would do (${
                changeText(squash.layers_per_image, today.layers_per_image)})`),
            `, with ${Math.abs(squash.storage_bytes - today.storage_bytes) < kNoNews * today.storage_bytes
                ? 'the same storage' : `${changeText(squash.storage_bytes, today.storage_bytes)} of storage`}.`];
  }
  return [`${who} store ${bytesText(today.storage_bytes)} of layers, and no plan found stores much less.`];
}

function problems(report) {
  const {fleet, waste} = report;
  const list = [];
  const add = (href, ...what) => list.push(el('li', {}, el('a', {href}, ...what)));
  if (waste && waste.saves_storage_bytes > 0) {
    add('#waste', bytesText(waste.saves_storage_bytes), ` stored are not needed (${
        percentText(waste.saves_storage_bytes, report.levels[0].storage_bytes)}): most of it is `,
        `“${waste.kinds[0].kind}”`);
  }
  if (fleet.known_layers === 0) {
    list.push(el('li', {}, 'What is in the layers is not known, so waste, common bases and carved layers are missing here: run ',
                 el('code', {}, 'gneiss scan'), ' on the same sources, then this report again'));
  } else if (fleet.known_layers < fleet.layers) {
    list.push(el('li', {}, `Contents are known of ${countText(fleet.known_layers)} of ${
        plural(fleet.layers, 'layer')}: `, el('code', {}, 'gneiss scan'), ' reads the others'));
  }
  if (fleet.twin_bytes > kNoNews * fleet.physical_bytes) {
    list.push(el('li', {}, `${bytesText(fleet.twin_bytes)} are layers that were compressed again: the same contents under another digest`));
  }
  const tables = report.tables.filter((table) => table.by !== 'platform' && table.rows.length > 1);
  if (tables.length > 0) {
    const top = tables[0].rows[0];
    add('#groups', `Largest share: ${top.name} with ${bytesText(top.proportional_bytes)} (${
        percentText(top.proportional_bytes, fleet.physical_bytes)} of what is stored)`);
  }
  if (fleet.bad_images > 0) {
    list.push(el('li', {}, `${plural(fleet.bad_images, 'entry is', 'entries are')} bad and not in this report`));
  }
  return el('ul', {class: 'problems'}, list);
}

function tile(title, value, note) {
  return el('div', {class: 'tile'}, el('dt', {}, title), el('dd', {}, value, note ? el('small', {}, note) : null));
}

function tiles(report) {
  const {fleet, waste, levels} = report;
  const best = bestLevel(report);
  return el('dl', {class: 'tiles'},
            tile('Stored today', bytesFigure(fleet.physical_bytes),
                 `of ${bytesText(fleet.logical_bytes)} logical, ${
                     numberText(fleet.logical_bytes / Math.max(1, fleet.physical_bytes))}× shared`),
            tile(`Best plan: ${best.level}`, bytesFigure(best.storage_bytes),
                 `stored ${changeText(best.storage_bytes, levels[0].storage_bytes)}, moved ${
                     changeText(best.transfer_bytes, levels[0].transfer_bytes)}, layers ${
                     changeText(best.layers_per_image, levels[0].layers_per_image)}`),
            waste ? tile('Not needed', bytesFigure(waste.saves_storage_bytes), 'never seen by any image, or of no use')
                  : tile('Not needed', '?', 'contents not scanned'),
            tile('Layers an image', el('data', {value: String(levels[0].layers_per_image)},
                                       numberText(levels[0].layers_per_image)),
                 `${countText(fleet.max_layers)} at most; ${countText(fleet.layers)} distinct`));
}

function firstThings(report) {
  const first = report.recommendations.slice(0, 3);
  if (first.length === 0) return el('p', {}, 'Nothing to do: today’s layers are the best ones.');
  return el('ol', {class: 'cards'}, first.map((r) => el('li', {},
      el('p', {class: 'card-title'}, el('span', {class: 'id'}, r.id), ' ', r.title),
      el('p', {class: 'card-figures'}, savedFigure(r.saves_storage_bytes), ' stored, ',
         savedFigure(r.saves_transfer_bytes), ' moved, ', savedLayers(r), ' layers'),
      el('p', {class: 'card-effort'}, `${r.effort} · ${plural(r.num_images, 'image')}`))));
}

function buildSummary(report, section) {
  document.getElementById('lead').replaceChildren(...leadText(report));
  section.append(tiles(report), el('h2', {}, 'What is wrong'), problems(report),
                 el('h2', {}, 'Do first'), firstThings(report),
                 el('p', {class: 'more'}, el('a', {href: '#recommendations'},
                    `All ${plural(report.recommendations.length + report.recommendations_left_out,
                                  'recommendation')}`)));
}
