// Package deadline says by when something must be done: the clocks of privacy
// laws and promises as cited data, and pure functions that count them.
//
// A [Rule] is one clock: what must be done, how long it may take, when it starts,
// how it is counted, what stops or extends it, and the article or section that
// says so. Rules come in sets, which are data: those for which the host answers
// can be read, pinned by hash, and replaced. [Due] applies a rule to what happened
// and returns two dates. The legal one follows the law as it is mostly read. The
// safe one takes the earlier reading wherever the law is unclear: work to it. The
// explanation names the rule, the counting and the doubt, for the person who
// answers the request and for the one who checks it later.
//
// [Date] is a day without time of day. [Period] is a length of time as laws give
// it, which is no duration: a month has no fixed number of days, and 31 January
// and a month is the last day of February. [Calendar] tells working days:
//
//	rule, err := deadline.ShippedRule("gdpr.access.respond")
//	if err != nil {
//		return err
//	}
//	received := deadline.Date{Year: 2026, Month: time.January, Day: 31}
//	due, err := deadline.Due(rule, []deadline.Event{deadline.On(deadline.Received, received)}, nil)
//	if err != nil {
//		return err
//	}
//	fmt.Println(due.Safe, due.Legal)
//	fmt.Println(due.Explain())
//
// # Calendars
//
// [Calendars] lists those that are computed here, each by the statute or notice
// that is cited at its rule. They hold what binds everybody under that law and
// leave out what is doubtful, so that a count of working days ends earlier rather
// than later. Asked about a day outside of the years it covers, a calendar answers
// with an error and never with a guess. A host's own calendar is any [Calendar].
//
// Days begin and end where the duty lies, so instants become days only with a
// location: [DateOf], [Date.Start], [Date.End]. Periods of hours are hours that
// really pass, whatever clocks are put to in between.
//
// # What it does not promise
//
// This is no legal advice, and no list of every law. Each figure says how well it
// was checked; one that was not verified at its source says so in its explanation.
// Laws change: a set has the date on which it was looked at, and calendars know no
// holiday that was made after they were written. Which law applies to a request,
// when it was received, and whether an extension was justified, is for people to
// decide.
//
// The calendar named eu is no Member State's. A duty in one Member State is counted
// on the holidays of that state (Regulation (EEC, Euratom) 1182/71, Article 2(1)),
// which the host brings; where a state works on a day on which the institutions
// rest, the date rolled over that day would come too late.
//
// Nor is Article 3(5) of that Regulation applied, by which a period of two days or
// more has two working days at least: it could only make a date later, no shipped
// rule under it is so short but the clock of breaches, and for that it is
// disputed.
//
// # Errors
//
// [*DateError] and [*PeriodError] refuse text and arithmetic and never quote it.
// [*RangeError] says what a calendar covers, [ErrUnknownCalendar] that there is
// none of a name. [*NotStartedError] and [*NotInForceError] say why a rule gives no
// date; [*EventError] refuses an event, [*RuleError], which wraps [ErrInvalid], a
// rule, and [*SetError] the text of a set; [ErrPin] says that a set is not the one
// that was pinned. Dates in errors are those of the calendar or the rule; no error
// holds anything about a person.
//
// # Concurrency
//
// Everything here is a value or never changes; all functions may be called at
// once. Nothing reads the clock.
//
// # Storage
//
// Nothing is stored. The text of a set is described by [Schema], and its hash in
// docs/formats/deadline.md. Dates and periods marshal as text: YYYY-MM-DD, and the one
// form in which [ParsePeriod] reads a period.
//
// # Compatibility
//
// A set whose content changes gets a higher version and another hash, and is named
// in the changelog; ids of rules stay. Before version 1 the Go API may change. The text of dates and periods will not.
// A holiday that is made or abolished changes the answers of a calendar, and is
// named in the changelog.
package deadline
