// Who holds what: repositories, namespaces, platforms and teams; and waste by its cause.

const bytesColumn = (title, key, add = true) => ({
  title, add, value: (row) => row[key], cell: (row) => bytesFigure(row[key]), figure: bytesFigure});

function shareBars(row, widest) {
  return el('span', {class: 'bars'}, bar(row.logical_bytes, widest, 'logical'),
            bar(row.proportional_bytes, widest, 'proportional'), bar(row.exclusive_bytes, widest, 'exclusive'));
}

// Rows that no row of the page stands for, so that the figures add up to the total.
function othersOf(table) {
  const others = [];
  const {left_out} = table;
  if (left_out.rows > 0) {
    others.push({title: `[${plural(left_out.rows, 'other')}]`, values: [undefined, undefined, left_out.images,
                 left_out.logical_bytes, left_out.proportional_bytes, left_out.exclusive_bytes]});
  }
  if (table.images_in_several > 0) {
    others.push({title: `[${plural(table.images_in_several, 'image')} in several rows]`,
                 values: [undefined, undefined, -table.repeated_images, -table.repeated_logical_bytes]});
  }
  return others;
}

function groupTable(report, table) {
  const widest = Math.max(1, ...table.rows.map((row) => row.logical_bytes));
  const name = table.by.replace(/^label:/, '');
  return makeTable({
    caption: `By ${name}`, noun: 'row', rows: table.rows, search: (row) => row.name,
    total: {title: 'TOTAL', others: othersOf(table)}, columns: [
      {title: name, text: true, value: (row) => row.name},
      {title: 'logical, proportional, exclusive', text: true, value: (row) => row.logical_bytes,
       cell: (row) => shareBars(row, widest)},
      {title: 'images', add: true, value: (row) => row.images, cell: (row) => countFigure(row.images)},
      bytesColumn('logical', 'logical_bytes'), bytesColumn('proportional', 'proportional_bytes'),
      bytesColumn('exclusive', 'exclusive_bytes')]});
}

function buildGroups(report, section) {
  section.append(
      el('h2', {id: 'groups-title'}, 'Who holds what'),
      el('p', {class: 'note legend-bars'}, el('span', {class: 'key logical'}), ' logical: each image in full. ',
         el('span', {class: 'key proportional'}), ' proportional: every blob split evenly among its images; adds up to what is stored. ',
         el('span', {class: 'key exclusive'}), ' exclusive: what goes when the row goes.'));
  const panel = el('div', {id: 'groups-panel', role: 'tabpanel'});
  const tabs = report.tables.map((table) => el('button', {type: 'button', role: 'tab', 'aria-controls': 'groups-panel',
    click: () => choose(table)}, table.by));
  const choose = (chosen) => {
    report.tables.forEach((table, t) => {
      tabs[t].setAttribute('aria-selected', String(table === chosen));
      tabs[t].tabIndex = table === chosen ? 0 : -1;
    });
    panel.setAttribute('aria-label', chosen.by);
    panel.replaceChildren(groupTable(report, chosen));
  };
  const list = el('div', {class: 'tabs', role: 'tablist', 'aria-label': 'Group by', keydown: (event) => {
    const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
    if (!step) return;
    const next = tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length];
    next.focus();
    next.click();
  }}, tabs);
  section.append(list, panel);
  choose(report.tables.find((table) => table.rows.length > 1) || report.tables[0]);
}

function buildWaste(report, section) {
  const {waste} = report;
  section.append(el('h2', {id: 'waste-title'}, 'Waste by cause'));
  if (!waste) {
    section.append(el('p', {class: 'note'}, 'The contents of no layer are known: ', el('code', {}, 'gneiss scan'),
                      ' on the same sources reads them.'));
    return;
  }
  const widest = Math.max(1, ...waste.kinds.map((kind) => kind.saves_storage_bytes));
  section.append(
      el('p', {class: 'note'}, `${bytesText(waste.saves_storage_bytes)} stored are not needed. ${
          bytesText(waste.hidden_in_some_bytes)} more are hidden in some images and seen in others; ${
          bytesText(waste.in_other_layers_bytes)} more are contents that other layers hold too. `,
         el('code', {}, 'gneiss waste'), ' names the layers and what to write instead.'),
      makeTable({
        caption: 'Waste by cause', noun: 'kind', rows: waste.kinds, none: 'none found', page_size: 20,
        total: {title: 'TOTAL'}, columns: [
          {title: 'cause', text: true, value: (kind) => kind.kind},
          {title: 'stored', text: true, value: (kind) => kind.saves_storage_bytes,
           cell: (kind) => bar(kind.saves_storage_bytes, widest, 'exclusive')},
          bytesColumn('stored', 'saves_storage_bytes'), bytesColumn('moved', 'saves_transfer_bytes'),
          bytesColumn('unpacked', 'file_bytes'),
          {title: 'entries', add: true, value: (kind) => kind.entries, cell: (kind) => countFigure(kind.entries)},
          {title: 'findings', add: true, value: (kind) => kind.findings, cell: (kind) => countFigure(kind.findings)}]}));
}
