/** What a process that a spec starts takes over of our own environment: nothing but where programs are, and what Node has compiled before. */
export const inherited: Readonly<Record<string, string | undefined>> = Object.fromEntries(
  ['PATH', 'NODE_COMPILE_CACHE'].flatMap((name) =>
    process.env[name] === undefined ? [] : [[name, process.env[name]]],
  ),
);
