package rights

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// MessageKind is what a person is told.
type MessageKind string

// The kinds of messages.
const (
	// MessageReceived: the request was received (11 CCR §7021(a)).
	MessageReceived MessageKind = "received"
	// MessageCode: a code that shows that its reader holds the address.
	MessageCode MessageKind = "code"
	// MessageExtended: the answer comes later, and why.
	MessageExtended MessageKind = "extended"
	// MessageRefused: something is refused, why, and what can be done about it.
	MessageRefused MessageKind = "refused"
	// MessageLifting: a restriction ends (GDPR Article 18(3)).
	MessageLifting MessageKind = "lifting"
)

// Message is what a person is told.
type Message struct {
	Tenant  troth.Tenant
	Request string
	Kind    MessageKind
	// Language is that of the text: en, de, fr or es.
	Language string
	// Channel and Address are where it goes.
	Channel string
	Address troth.Sensitive[string]
	// Subject is a line for the top; Body is the text.
	Subject string
	Body    troth.Sensitive[string]
	// Key is the same for every attempt at this message, and for no other.
	Key string
}

// Notifier writes to people. A message may be sent again after an error, or a crash,
// under the same key. It is called outside of any transaction.
type Notifier interface {
	Notify(ctx context.Context, m Message) error
}

// notifyError is a failure of the host's notifier: what the host says may name a
// person, and is for who unwraps it.
type notifyError struct{ err error }

func (*notifyError) Error() string { return "rights: the host's notifier failed" }

func (e *notifyError) Unwrap() error { return e.err }

// hostError is a failure of something else of the host's, as notifyError.
type hostError struct {
	what string
	err  error
}

func (e *hostError) Error() string { return "rights: the host's " + e.what + " failed" }

func (e *hostError) Unwrap() error { return e.err }

// draft is a message before it is sent.
type draft struct {
	kind MessageKind
	// then is what is noted once it was sent: nothing but that, if it is empty.
	then Kind
	word string
	Text
	channel, address string
}

// Text is what a person reads: a line for the top, and what stands under it.
type Text struct{ Subject, Body string }

type plainMessage struct {
	Channel string `json:"channel"`
	Address string `json:"address"`
	Subject string `json:"subject"`
	Body    string `json:"body"`
}

// posted is what the record of a message says.
type posted struct {
	kind  MessageKind
	then  Kind
	word  string
	tries uint32
}

const messageDomain = "troth.rights.message/1"

func (m *posted) encode() []byte {
	dst := canon.AppendDomain(nil, messageDomain)
	dst = canon.AppendText(dst, m.kind)
	dst = canon.AppendText(dst, m.then)
	dst = canon.AppendText(dst, m.word)
	return canon.AppendUint(dst, uint64(m.tries))
}

func parsePosted(b []byte) (m posted, err error) {
	r := reader{Walker: canon.Walk(b, messageDomain)}
	m = posted{kind: MessageKind(r.text()), then: Kind(r.text()), word: r.text(), tries: r.small()}
	if !r.done() {
		return posted{}, ErrRecord
	}
	return m, nil
}

// post has a message sent once the transaction commits. One without an address goes
// nowhere, and costs the same.
func (c *change) post(ctx context.Context, m draft) error {
	sealed, err := json.Marshal(plainMessage{m.channel, m.address, m.Subject, m.Body})
	if err != nil {
		return fmt.Errorf("rights: encode message: %w", err)
	}
	key := ItemKey{Tenant: c.tenant, Owner: c.id, Kind: ItemMessage, ID: rand.Text()}
	kept := posted{kind: m.kind, then: m.then, word: m.word}
	return c.d.insertSealed(ctx, key, c.d.micros(), kept.encode(), sealed)
}

// write posts a message to the address that the request came with; false if there is
// none, or nobody who would send it. The request knows by itself that it has one, so
// that nothing has to be opened: where it is, is read when the message is sent.
func (c *change) write(ctx context.Context, m draft) (bool, error) {
	if c.d.opt.notifier == nil || !c.q.reachable {
		return false, nil
	}
	m.channel = toContents
	return true, c.post(ctx, m)
}

// toContents is the channel of messages that go to the address in the contents of the
// request.
const toContents = "~contents"

// send sends a message, and notes that it was.
func (d *Desk) send(ctx context.Context, key ItemKey) error {
	if d.opt.notifier == nil {
		return needs("WithNotifier, for messages")
	}
	row, message, found, err := d.item(ctx, key)
	if err != nil || !found || row.DueAt > d.micros() {
		return err
	}
	m, err := parsePosted(message)
	if err != nil {
		return err
	}
	text, found, err := d.openSealed(ctx, key, sealingPurpose)
	if err != nil || !found {
		return err
	}
	var p plainMessage
	if json.Unmarshal(text, &p) != nil {
		return ErrRecord
	}
	q, err := d.read(ctx, key.Tenant, key.Owner)
	if err != nil {
		return err
	}
	if p.Channel == toContents {
		if p.Channel, p.Address, err = d.addressOf(ctx, key); err != nil {
			return err
		}
	}
	if p.Address != "" {
		err = d.opt.notifier.Notify(ctx, Message{
			Tenant: key.Tenant, Request: key.Owner, Kind: m.kind, Language: q.language, Channel: p.Channel,
			Address: troth.Protect(p.Address), Subject: p.Subject, Body: troth.Protect(p.Body), Key: key.ID,
		})
		if err != nil {
			return d.sendLater(ctx, row, m, &notifyError{err})
		}
	}
	return d.sent(ctx, key, m)
}

// addressOf is where the person of a request can be reached.
func (d *Desk) addressOf(ctx context.Context, key ItemKey) (channel, address string, err error) {
	text, found, err := d.openSealed(ctx, contentsKey(key.Tenant, key.Owner), sealingPurpose)
	if err != nil || !found {
		return "", "", err
	}
	var p plain
	if json.Unmarshal(text, &p) != nil {
		return "", "", ErrRecord
	}
	return p.Channel, p.Address, nil
}

// sent notes that a message went out.
func (d *Desk) sent(ctx context.Context, key ItemKey, m posted) error {
	_, err := d.change(ctx, key.Tenant, key.Owner, func(ctx context.Context, c *change) error {
		deleted, err := d.store.DeleteItem(ctx, key)
		if err != nil || !deleted {
			return wrap("end message", err)
		}
		then := m.then
		if then == LiftingAnnounced {
			return c.toldOfLifting(ctx, c.now)
		}
		if _, can := next(c.q.state, then, func(Guard) bool { return true }); !can || then == "" {
			then = Told
		}
		if then == Acknowledged {
			c.q.acknowledgedAt = c.now
		}
		word := m.word
		if word == "" {
			word = string(m.kind)
		}
		return c.fire(ctx, then, happening{word: word, ref: key.ID})
	})
	return err
}

// muchTried is after how many failures a message is an alarm.
const muchTried = 8

// sendLater puts a message off that could not be sent.
func (d *Desk) sendLater(ctx context.Context, row ItemRow, m posted, cause error) error {
	d.log.Warn("rights: a message was not sent, will try again", zap.String("kind", string(m.kind)), zap.Error(cause))
	_, err := d.change(ctx, row.Tenant, row.Owner, func(ctx context.Context, c *change) error {
		now, _, found, err := d.item(ctx, row.ItemKey)
		if err != nil || !found || now.DueAt != row.DueAt {
			return err
		}
		m.tries = min(m.tries+1, 1000)
		now.DueAt = c.now + min(time.Minute<<min(m.tries, 9), 6*time.Hour).Microseconds()
		if err := d.putItem(ctx, now, m.encode()); err != nil {
			return err
		}
		if m.tries != muchTried {
			return nil
		}
		return c.alarm(ctx, Alarm{Rule: "message", Stage: Late, DueAt: instant(c.now)})
	})
	if err != nil {
		return err
	}
	return nil
}
