// Staff get tokens during office hours; those on call get them at any time.
// The hook runs for refreshed tokens, too: an app that was left open in the evening ends with its last token.

function onTokenGenerating(theUserSession, theAuthorizationRequestDetails, theClientDetails) {
  // Machines keep no office hours.
  if (theUserSession === null) {
    return;
  }
  if (theUserSession.hasAuthority('WORKS_ANY_TIME')) {
    Log.info('a token for somebody on call');
    return;
  }
  const now = wallClock(new Date());
  if (setting('HOLIDAYS').split(' ').includes(now.date)) {
    deny('closed on ' + now.date + ', a holiday');
  }
  if (!setting('OPEN_DAYS').split(' ').includes(now.weekday)) {
    deny('closed on ' + now.weekday);
  }
  // Times of one form compare as texts. The minute of closing is closed.
  if (now.time < timeOfDay('OPENS') || now.time >= timeOfDay('CLOSES')) {
    deny('closed at ' + now.time);
  }
}

/** What the clock on the wall shows: the server may stand in another time zone, and summer time begins for all at once. */
function wallClock(instant) {
  // A time zone of a wrong name throws, and nobody gets in: better than to guess the hour.
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: setting('TIME_ZONE'),
    weekday: 'short',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const parts = {};
  format.formatToParts(instant).forEach(function (part) {
    parts[part.type] = part.value;
  });
  return {
    date: parts.year + '-' + parts.month + '-' + parts.day,
    weekday: parts.weekday,
    time: parts.hour + ':' + parts.minute,
  };
}

function timeOfDay(name) {
  const time = setting(name);
  if (!/^[0-2]\d:[0-5]\d$/.test(time)) {
    throw new Error(name + ' is no time such as 07:00');
  }
  return time;
}

function setting(name) {
  const value = Environment.getEnv(name);
  if (value === null) {
    throw new Error('the environment of the tenant lacks ' + name);
  }
  return value;
}
