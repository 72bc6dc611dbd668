/** Loaded before a service by the supervisor: a service whose supervisor was killed drains and ends. */
process.on('disconnect', () => {
  process.kill(process.pid, 'SIGTERM');
});
// Listening must not keep the process from ending.
process.channel?.unref();
