// In place of freeze.js, where a script changes what all scripts share: its context is thrown away with the invocation.
ErrorType.stackTraceLimit = 20;
// Call sites would lead from a script to the functions of the realm.
defineProperty(ErrorType, 'prepareStackTrace', { value: undefined, writable: false, configurable: false });
const harden = () => undefined;
const sealGlobal = () => undefined;
