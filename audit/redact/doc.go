// Package redact keeps personal data out of a host's logs: a zap core that
// stands before the host's own core, and lets nothing through that it has not
// looked at. It also puts trace ids into the entries.
//
// Two things are masked. Fields whose names the host declares are replaced,
// wherever they stand: at the top, in namespaces, objects, arrays, and in what
// zap encodes by reflection. And in all text, in messages, names of loggers,
// keys, strings, errors and stack traces, these shapes are replaced: e-mail
// addresses, telephone numbers, numbers of payment cards, IP addresses.
//
// What a value prints as is asked for once, and that answer is what the inner
// core gets. A value that cannot be read, because its method panics, because it
// has no JSON form or because it is nested too deeply, is replaced by
// [Unreadable] and never passed. Level, time and caller are never changed.
//
// # What it does not promise
//
// Shapes are a safety net. Names, postal addresses, dates of birth and
// whatever else has no shape are not found in text: declare the field, or do
// not log it. Declared names are not found within text that is itself JSON, a
// query or printed by fmt. Text in another encoding (base64 in a string, say)
// is not read, but for what URLs escape. A shape that is split over two fields is
// not one. Numbers are read in the digits 0 to 9 only.
//
// Telephone numbers without separators are found if they begin with a plus
// sign, with 00 or 0, or follow a word such as "phone". Card numbers need a
// length and a beginning that issuers use, and a right check digit. Numbers
// that are not text are read as card numbers only. Addresses that mean this
// host itself (127.0.0.1, ::1, 0.0.0.0) stay, and so do ports. Some text that
// means something else is masked too: a version of four small numbers looks
// like an address, and an ISBN may look like a telephone number.
//
// A token ([WithTokens]) tells equal values from different ones. It is a keyed
// pseudonym and still personal data in law (GDPR Article 4(5)): who has the key
// can test a guess. Logs with tokens need a retention of their own.
//
// Only what passes the core is masked. Fields that the inner core already had
// when it was wrapped are not; nor is a core beside it in a tee; and the value
// that zap's Panic raises is the message as it was given.
//
// # Use
//
//	protect, err := redact.Wrap(
//		redact.WithFields("name", "street", "email"),
//		redact.WithTrace(ids),
//	)
//	...
//	log = log.WithOptions(protect)
//	log.Info("order placed", redact.Context(ctx), zap.String("name", name))
//
// # Errors
//
// Options that cannot be used make [NewCore] and [Wrap] fail; there are no
// sentinels. Logging itself fails only as the inner core does.
//
// # Concurrency
//
// The core is safe for concurrent use if the inner one is. It starts no
// goroutine.
//
// # Compatibility
//
// What is found may grow with any version, so tests should not depend on a text
// passing unmasked. Tokens stay the same for the same key and value.
package redact
