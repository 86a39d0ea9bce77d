package rights

import (
	"slices"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/deadline"
	"github.com/trothdev/troth/internal/canon"
)

// requestDomain names the format of a stored request.
const requestDomain = "troth.rights.request/1"

// request is what the record of a request says.
type request struct {
	right       Right
	state       State
	subject     string
	sensitive   bool
	owner       string
	via         Via
	language    string
	regimes     []string
	purposes    []troth.Purpose
	fields      []string
	of          string
	fingerprint [32]byte
	// reachable says that the contents hold an address.
	reachable bool

	receivedAt, createdAt, acknowledgedAt, closedAt int64
	// ticks are what clocks run by, see package deadline.
	ticks []tick

	// pending says that the person was asked who they are, and that it is open.
	pending bool
	// proof is the id of the best proof that there is, level how good it is, until when
	// it lasts.
	proof string
	level Level
	until int64
	agent *mandate

	// done and left count what was asked for, by outcome.
	done, left uint32
	// entered is how many keyed hashes it has in the ledger of erasures.
	entered uint32
	// other is the request that this is a duplicate of, or who it was forwarded to.
	other string
	// reason is why it was refused.
	reason Reason

	// dueAt is when the leading clock ends, rule which one that is; stage is how far its
	// alarms went, for the end that alarmFor names.
	dueAt    int64
	rule     string
	stage    uint32
	alarmFor int64
	// clock is the instant of its last change: each is later than the one before.
	clock int64
	seq   uint32
}

// tick is an event of a clock.
type tick struct {
	typ deadline.EventType
	at  int64
}

func (q *request) encode() []byte {
	dst := canon.AppendDomain(make([]byte, 0, usual), requestDomain)
	for _, t := range []string{string(q.right), string(q.state), q.subject} {
		dst = canon.AppendText(dst, t)
	}
	dst = appendFlag(dst, q.sensitive)
	for _, t := range []string{q.owner, string(q.via), q.language} {
		dst = canon.AppendText(dst, t)
	}
	dst = appendTexts(dst, q.regimes)
	dst = appendTexts(dst, q.purposes)
	dst = appendTexts(dst, q.fields)
	dst = canon.AppendText(dst, q.of)
	dst = canon.AppendBytes(dst, q.fingerprint[:])
	dst = appendFlag(dst, q.reachable)
	for _, n := range []int64{q.receivedAt, q.createdAt, q.acknowledgedAt, q.closedAt} {
		dst = canon.AppendInt(dst, n)
	}
	dst = canon.AppendList(dst, 2*len(q.ticks))
	for _, t := range q.ticks {
		dst = canon.AppendText(dst, t.typ)
		dst = canon.AppendInt(dst, t.at)
	}
	dst = appendFlag(dst, q.pending)
	dst = canon.AppendText(dst, q.proof)
	dst = canon.AppendUint(dst, uint64(q.level))
	dst = canon.AppendInt(dst, q.until)
	dst = q.agent.append(dst)
	dst = canon.AppendUint(dst, uint64(q.done))
	dst = canon.AppendUint(dst, uint64(q.left))
	dst = canon.AppendUint(dst, uint64(q.entered))
	dst = canon.AppendText(dst, q.other)
	dst = canon.AppendText(dst, q.reason)
	dst = canon.AppendInt(dst, q.dueAt)
	dst = canon.AppendText(dst, q.rule)
	dst = canon.AppendUint(dst, uint64(q.stage))
	dst = canon.AppendInt(dst, q.alarmFor)
	dst = canon.AppendInt(dst, q.clock)
	return canon.AppendUint(dst, uint64(q.seq))
}

func parseRequest(b []byte) (*request, error) {
	r := &reader{Walker: canon.Walk(b, requestDomain)}
	q := &request{
		right: Right(r.text()), state: State(r.text()), subject: r.text(), sensitive: r.flag(), owner: r.text(),
		via: Via(r.text()), language: r.text(), regimes: r.texts(),
	}
	for _, p := range r.texts() {
		q.purposes = append(q.purposes, troth.Purpose(p))
	}
	q.fields, q.of = r.texts(), r.text()
	r.fixed(q.fingerprint[:])
	q.reachable = r.flag()
	q.receivedAt, q.createdAt, q.acknowledgedAt, q.closedAt = r.Int(), r.Int(), r.Int(), r.Int()
	n := r.List()
	r.bad = r.bad || n%2 != 0 || n > 2*maxTicks
	for range min(n/2, maxTicks) {
		q.ticks = append(q.ticks, tick{deadline.EventType(r.text()), r.Int()})
	}
	q.pending, q.proof = r.flag(), r.text()
	q.level, q.until = Level(r.small()), r.Int()
	q.agent = r.mandate()
	q.done, q.left, q.entered, q.other, q.reason = r.small(), r.small(), r.small(), r.text(), Reason(r.text())
	q.dueAt, q.rule, q.stage, q.alarmFor, q.clock, q.seq = r.Int(), r.text(), r.small(), r.Int(), r.Int(), r.small()
	if !r.done() || !q.right.Valid() || !q.state.Open() && !q.state.Final() || !q.level.Valid() {
		return nil, ErrRecord
	}
	return q, nil
}

const (
	// maxTicks bounds what clocks run by: how often a person can be asked.
	maxTicks = 200
	// endTicks is the room of it that asking leaves: for an answer to each of three questions,
	// for an extension by every law that knows one, and for the end.
	endTicks = 40
)

// row is the request as a row, but for its record.
func (q *request) row(tenant troth.Tenant, id string) RequestRow {
	due := q.dueAt
	if q.state.Final() || due == 0 {
		due = Parked
	}
	return RequestRow{
		Tenant: tenant, ID: id, SubjectID: q.subject, State: q.state, Right: q.right, Owner: q.owner,
		DueAt: due, Open: q.state.Open(), ReceivedAt: q.receivedAt,
	}
}

// needs is the level of identity that the request needs.
func (q *request) needs() Level { return q.right.Needs(q.sensitive) }

// settled reports whether it is shown who asks, and by what right.
func (q *request) settled(now int64) bool {
	return q.proof != "" && q.level >= q.needs() && now < q.until && (q.agent == nil || q.agent.good(q.right, now))
}

// holds reports whether a guard holds at an instant.
func (q *request) holds(g Guard, now int64) bool {
	switch g {
	case Always:
		return true
	case IfProven:
		return q.settled(now)
	case IfPending:
		return q.pending
	case IfSettled:
		return !q.pending
	case IfDiscloses:
		return q.right.Effect() == Discloses
	case IfChanges:
		return q.right.Effect() == Changes
	case IfDestroys:
		return q.right.Effect() == Destroys
	case IfAnswers:
		return q.right.Effect() == Answers
	case IfAll:
		return q.left == 0
	case IfSome:
		return q.left > 0 && q.done > 0
	case IfNone:
		return q.left > 0 && q.done == 0
	}
	return false
}

// Request is what is known of a request. Nothing in it is personal but the ids.
type Request struct {
	Tenant troth.Tenant
	ID     string
	// SubjectID is whom it is about; empty until that is known.
	SubjectID string
	Right     Right
	State     State
	Via       Via
	Language  string
	// Sensitive says that it is about sensitive data; Needs is the level of identity
	// that it needs for that, Level the one that was shown.
	Sensitive    bool
	Needs, Level Level
	// ByAgent says that somebody asks for the person, and Agent who, as the host names
	// them; Authorised that they may.
	ByAgent, Authorised bool
	Agent               string
	// Regimes are the laws that it is held to, as the rules of package deadline begin.
	Regimes []string
	// Purposes and Fields narrow what is asked for: purposes of processing, and what is
	// to be corrected.
	Purposes []troth.Purpose
	Fields   []string
	// Of is the request that an appeal or a complaint is about.
	Of string
	// Owner is the role that it waits for.
	Owner string
	// Done and Left count what was asked for, by outcome.
	Done, Left int
	// Reason is why it was refused, Other which request it is a duplicate of, or who
	// it was forwarded to.
	Reason Reason
	Other  string
	// ReceivedAt is when it reached the controller, AcknowledgedAt when the person was
	// told so, ClosedAt when it became final; DueAt is when the leading clock ends, and
	// DueRule which rule that is. They are UTC, and zero where there is none.
	ReceivedAt, AcknowledgedAt, ClosedAt, DueAt time.Time
	DueRule                                     string
}

func (q *request) view(tenant troth.Tenant, id string, now int64) Request {
	agent := ""
	if q.agent != nil {
		agent = q.agent.agent
	}
	return Request{
		Tenant: tenant, ID: id, SubjectID: q.subject, Right: q.right, State: q.state, Via: q.via, Language: q.language,
		Sensitive: q.sensitive, Needs: q.needs(), Level: q.level,
		ByAgent: q.agent != nil, Authorised: q.agent != nil && q.agent.good(q.right, now), Agent: agent,
		Regimes: slices.Clone(q.regimes), Purposes: slices.Clone(q.purposes), Fields: slices.Clone(q.fields), Of: q.of,
		Owner: q.owner, Done: int(q.done), Left: int(q.left), Reason: q.reason, Other: q.other,
		ReceivedAt: instant(q.receivedAt), AcknowledgedAt: instant(q.acknowledgedAt), ClosedAt: instant(q.closedAt),
		DueAt: instant(q.dueAt), DueRule: q.rule,
	}
}
