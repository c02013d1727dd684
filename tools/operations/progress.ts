type Screen = Pick<NodeJS.WriteStream, 'write'> & { isTTY?: boolean };

const width = 28;

/** A bar that redraws itself on a terminal, and a line every tenth elsewhere. */
export function progressOf(label: string, screen: Screen = process.stderr) {
  let [tenth, drawn] = [0, false];
  return {
    at(done: number, target: number): void {
      const part = target > 0 ? Math.min(1, done / target) : 0;
      const count = `${done}/${target}`;
      if (screen.isTTY) {
        drawn = true;
        screen.write(
          `\r\u001b[2K${label} ${'█'.repeat(Math.round(part * width)).padEnd(width, '░')} ${target > 0 ? count : 'waits'}`,
        );
      } else if (Math.floor(part * 10) > tenth) {
        tenth = Math.floor(part * 10);
        screen.write(`${label} ${tenth * 10} % (${count})\n`);
      }
    },
    end(): void {
      if (drawn) screen.write('\r\u001b[2K');
    },
  };
}
