// Tables that are searched, sorted and paged: only the rows of one page are in the document, however
// many there are.

// columns: {title, value: row -> number or text, cell: row -> node or text (default: the value),
//           add: true where values add up, format: total -> text, text: left aligned}
// options: {columns, rows, caption, noun, search: row -> text, total: {title, others}, page_size,
//           sorted: column, none: what to say of no rows}
// total.others: a row {title, values: [...]} that belongs to the sum and has no row of its own.
function makeTable(options) {
  return new ReportTable(options).root;
}

class ReportTable {
  constructor(options) {
    this.options = options;
    this.page_size = options.page_size || 12;
    this.page = 0;
    this.column = options.sorted === undefined ? -1 : options.sorted;
    this.descending = true;
    this.rows = options.rows;
    this.body = el('tbody');
    this.foot = el('tfoot');
    this.status = el('p', {class: 'status', role: 'status'});
    this.headers = options.columns.map((column, c) => this.header(column, c));
    const table = el('table', {}, el('caption', {class: 'visually-hidden'}, options.caption),
                     el('thead', {}, el('tr', {}, this.headers)), this.body, this.foot);
    this.root = el('div', {class: 'table'}, this.tools(),
                   el('div', {class: 'scroll', tabindex: '0', role: 'region',
                              'aria-label': options.caption}, table));
    this.show();
  }

  header(column, c) {
    const button = el('button', {type: 'button', click: () => this.sortBy(c)}, column.title);
    return el('th', {scope: 'col', class: column.text ? 'text' : null}, button);
  }

  tools() {
    const {search, caption, rows} = this.options;
    this.previous = el('button', {type: 'button', click: () => this.turn(-1)}, 'Previous');
    this.next = el('button', {type: 'button', click: () => this.turn(1)}, 'Next');
    const input = search && rows.length > 5 &&
        el('label', {}, 'Search ',
           el('input', {type: 'search', placeholder: `in ${countText(rows.length)} rows`,
                        'aria-label': `Search: ${caption}`,
                        input: (event) => this.filter(event.target.value)}));
    return el('div', {class: 'tools'}, input || null, this.status,
              el('span', {class: 'pager'}, this.previous, this.next));
  }

  filter(text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const {rows, search} = this.options;
    this.rows = rows.filter((row) => {
      const found = search(row).toLowerCase();
      return words.every((word) => found.includes(word));
    });
    this.page = 0;
    this.show();
  }

  sortBy(c) {
    this.descending = this.column === c ? !this.descending : !this.options.columns[c].text;
    this.column = c;
    this.page = 0;
    this.show();
  }

  turn(step) {
    this.page += step;
    this.show();
  }

  sorted() {
    if (this.column < 0) return this.rows;
    const {value, text} = this.options.columns[this.column];
    const sign = this.descending ? -1 : 1;
    return [...this.rows].sort((a, b) => sign * (text ? String(value(a)).localeCompare(String(value(b)))
                                                      : value(a) - value(b)));
  }

  show() {
    const first = this.page * this.page_size;
    const rows = this.sorted().slice(first, first + this.page_size);
    const {columns} = this.options;
    this.body.replaceChildren(...rows.map((row) => el('tr', {}, columns.map((column) => el('td',
        {class: column.text ? 'text' : null}, column.cell ? column.cell(row) : column.value(row))))));
    if (rows.length === 0) {
      const none = this.options.none && this.options.rows.length === 0 ? this.options.none
                                                                     : 'no row has all these words';
      this.body.append(el('tr', {}, el('td', {colspan: columns.length, class: 'text'}, none)));
    }
    this.showFoot();
    this.headers.forEach((header, c) => {
      const direction = this.descending ? 'descending' : 'ascending';
      header.setAttribute('aria-sort', c === this.column ? direction : 'none');
    });
    const last = Math.min(first + this.page_size, this.rows.length);
    const all = this.rows.length;
    this.status.textContent = all > this.page_size || all < this.options.rows.length
        ? `${all === 0 ? 0 : first + 1}–${last} of ${plural(all, this.options.noun, this.options.nouns)}`
        : '';
    this.previous.disabled = this.page === 0;
    this.next.disabled = last >= all;
    this.previous.parentNode.hidden = all <= this.page_size;
  }

  // Others that have no row, and the total of all: whatever is searched for, it stays.
  showFoot() {
    const {columns, total, rows} = this.options;
    if (!total) return;
    const lines = [];
    const others = total.others || [];
    if (this.rows.length < rows.length) {
      lines.push(this.footLine(`[${countText(this.rows.length)} matching]`,
                               columns.map((column) => column.add && sum(this.rows, column.value))));
    }
    for (const other of others) lines.push(this.footLine(other.title, other.values));
    lines.push(this.footLine(total.title || 'TOTAL', columns.map((column, c) => column.add &&
        sum(rows, column.value) + sum(others, (other) => other.values[c] || 0)), 'total'));
    this.foot.replaceChildren(...lines);
  }

  footLine(title, values, kind) {
    const {columns} = this.options;
    return el('tr', {class: kind}, columns.map((column, c) => {
      const value = values[c];
      const cell = typeof value === 'number' ? (column.figure || countFigure)(value) : '';
      return c === 0 ? el('th', {scope: 'row', class: 'text'}, title)
                     : el('td', {class: column.text ? 'text' : null}, cell);
    }));
  }
}
