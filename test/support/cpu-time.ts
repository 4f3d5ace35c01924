/** What this process has used of the processor so far, ms: unlike the time that passed, it says the same beside other work. */
export function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
