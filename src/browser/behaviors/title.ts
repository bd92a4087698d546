/** The number of conversations with something unread, before the page's title. */

const COUNT_MAX = 99;
const counted = /^\((\d+)\+?\) /;
let count = Number(counted.exec(document.title)?.[1] ?? 0);

export function setUnreadConversations(next: (count: number) => number): void {
  count = Math.max(0, next(count));
  const plain = document.title.replace(counted, "");
  const shown = count > COUNT_MAX ? `${COUNT_MAX}+` : String(count);
  document.title = count > 0 ? `(${shown}) ${plain}` : plain;
}
