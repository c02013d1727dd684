type Screen = Pick<NodeJS.WriteStream, 'write'> & { isTTY?: boolean };

/** A bar that redraws itself on a terminal, and a line every tenth elsewhere. */
export const progressBar = (label: string, total: number, screen: Screen = process.stderr) => {
  const started = Date.now();
  let [drawn, tenth, note] = [0, 0, ''];
  const draw = (done: number): void => {
    const part = total === 0 ? 1 : done / total;
    const rate = Math.round(done / Math.max(0.001, (Date.now() - started) / 1000));
    if (screen.isTTY) {
      if (done < total && Date.now() - drawn < 80) return;
      drawn = Date.now();
      const width = 28;
      const bar = '█'.repeat(Math.round(part * width)).padEnd(width, '░');
      screen.write(
        `\r\u001b[2K${label} ${bar} ${done}/${total}  ${rate}/s${note && `  ${note}`}${done === total ? '\n' : ''}`,
      );
    } else if (Math.floor(part * 10) > tenth) {
      tenth = Math.floor(part * 10);
      screen.write(`${label} ${tenth * 10} % (${done}/${total}, ${rate}/s)\n`);
    }
  };
  return {
    at(done: number): void {
      note = '';
      draw(done);
    },
    /** Says why it does not go on. */
    waits(why: string, done: number): void {
      const said = note === why;
      note = why;
      if (screen.isTTY) draw(done);
      else if (!said) screen.write(`${label}: waiting, ${why}\n`);
    },
  };
};
