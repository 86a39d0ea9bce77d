package consent

import (
	"github.com/trothdev/troth/internal/canon"
)

// person is what the record of a person says.
type person struct {
	pseudonym Pseudonym
	// clock is the instant of what the ledger learnt last of the person: each is
	// later than the one before, whatever the machine's clock does.
	clock int64
	// erasedAt is when the person was erased, keepUntil how long their proof stays;
	// 0 while they are not.
	erasedAt, keepUntil int64
	// id is the person's id under seal, once it no longer stands in the row.
	id []byte
}

const personDomain = "troth.consent.person/1"

func (p *person) append(dst []byte) []byte {
	dst = canon.AppendDomain(dst, personDomain)
	dst = canon.AppendBytes(dst, p.pseudonym[:])
	dst = canon.AppendInt(dst, p.clock)
	dst = canon.AppendInt(dst, p.erasedAt)
	dst = canon.AppendInt(dst, p.keepUntil)
	return canon.AppendBytes(dst, p.id)
}

func parsePerson(b []byte) (p person, err error) {
	r := reader{canon.Walk(b, personDomain), false}
	p = person{pseudonym: r.pseudonym(), clock: r.Int(), erasedAt: r.Int(), keepUntil: r.Int(), id: r.Bytes()}
	if !r.done() {
		return person{}, ErrRecord
	}
	return p, nil
}

const stateDomain = "troth.consent.state/1"

func (s *state) append(dst []byte) []byte {
	dst = canon.AppendDomain(dst, stateDomain)
	dst = canon.AppendInt(dst, s.given)
	dst = canon.AppendInt(dst, s.recorded)
	dst = s.own.append(dst)
	return s.linked.append(dst)
}

func (l *latest) append(dst []byte) []byte {
	n := 0
	for i := range l {
		if l[i].exists() {
			n++
		}
	}
	dst = canon.AppendList(dst, n)
	for i := range l {
		if m := &l[i]; m.exists() {
			dst = m.append(dst)
		}
	}
	return dst
}

func (m *mark) append(dst []byte) []byte {
	dst = canon.AppendList(dst, 8)
	dst = canon.AppendText(dst, m.id)
	dst = canon.AppendUint(dst, uint64(m.code))
	dst = canon.AppendUint(dst, uint64(m.version))
	dst = canon.AppendInt(dst, m.given)
	dst = canon.AppendInt(dst, m.recorded)
	dst = canon.AppendInt(dst, m.until)
	minor := uint64(0)
	if m.minor {
		minor = 1
	}
	dst = canon.AppendUint(dst, minor)
	return canon.AppendInt(dst, m.comesOfAge)
}

func parseState(b []byte) (s state, err error) {
	r := reader{canon.Walk(b, stateDomain), false}
	s.given, s.recorded = r.Int(), r.Int()
	r.latest(&s.own)
	r.latest(&s.linked)
	if !r.done() {
		return state{}, ErrRecord
	}
	return s, nil
}

func (r *reader) latest(l *latest) {
	n := r.List()
	for range min(n, int(tracks)) {
		r.bad = r.List() != 8 || r.bad
		m := mark{id: r.text()}
		c := r.Uint()
		if r.bad || c >= uint64(len(natures)) || m.id == "" {
			r.bad = true
			return
		}
		m.code = code(c)
		m.version, m.given, m.recorded, m.until = r.small(), r.Int(), r.Int(), r.Int()
		m.minor, m.comesOfAge = r.small() == 1, r.Int()
		l[m.code.nature().track] = m
	}
}

const linkDomain = "troth.consent.link/1"

// link is what the record of a link says.
type link struct {
	device, account Pseudonym
	at, recorded    int64
}

func (l *link) append(dst []byte) []byte {
	dst = canon.AppendDomain(dst, linkDomain)
	dst = canon.AppendBytes(dst, l.device[:])
	dst = canon.AppendBytes(dst, l.account[:])
	dst = canon.AppendInt(dst, l.at)
	return canon.AppendInt(dst, l.recorded)
}

func parseLink(b []byte) (l link, err error) {
	r := reader{canon.Walk(b, linkDomain), false}
	l = link{device: r.pseudonym(), account: r.pseudonym(), at: r.Int(), recorded: r.Int()}
	if !r.done() {
		return link{}, ErrRecord
	}
	return l, nil
}
