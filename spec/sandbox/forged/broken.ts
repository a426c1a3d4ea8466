/** What runs in place of a sandbox that cannot start. */
process.exit(78);
