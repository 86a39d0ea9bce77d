package consent

import (
	"context"
	"fmt"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// requestDomain names the format of a stored request.
const requestDomain = "troth.consent.request/1"

// request is what the record of a request says.
type request struct {
	id        string
	pseudonym Pseudonym
	token     [32]byte
	at, until int64
	sends     uint32
	sentAt    int64
	choices   []requested
}

// requested is one choice that waits, by its event.
type requested struct {
	purpose troth.Purpose
	event   string
}

func (q *request) append(dst []byte) []byte {
	dst = canon.AppendDomain(dst, requestDomain)
	dst = canon.AppendText(dst, q.id)
	dst = canon.AppendBytes(dst, q.pseudonym[:])
	dst = canon.AppendBytes(dst, q.token[:])
	dst = canon.AppendInt(dst, q.at)
	dst = canon.AppendInt(dst, q.until)
	dst = canon.AppendUint(dst, uint64(q.sends))
	dst = canon.AppendInt(dst, q.sentAt)
	dst = canon.AppendList(dst, len(q.choices))
	for _, c := range q.choices {
		dst = canon.AppendList(dst, 2)
		dst = canon.AppendText(dst, c.purpose)
		dst = canon.AppendText(dst, c.event)
	}
	return dst
}

func parseRequest(b []byte) (q request, err error) {
	r := reader{canon.Walk(b, requestDomain), false}
	q = request{id: r.text(), pseudonym: r.pseudonym()}
	r.fixed(q.token[:])
	q.at, q.until, q.sends, q.sentAt = r.Int(), r.Int(), r.small(), r.Int()
	for range min(r.List(), maxNames) {
		r.bad = r.List() != 2 || r.bad
		q.choices = append(q.choices, requested{troth.Purpose(r.text()), r.text()})
	}
	if !r.done() {
		return request{}, ErrRecord
	}
	return q, nil
}

// requests reads the requests of a person under lock.
func (w *writing) requests(ctx context.Context) ([]request, error) {
	rows, err := w.l.store.Requests(ctx, w.who.Tenant, w.who.ID)
	if err != nil {
		return nil, fmt.Errorf("consent: read requests: %w", err)
	}
	var all []request
	for _, row := range rows {
		message, err := w.d.key.open(requestTable, row.ID, "", row.Record)
		if err != nil {
			return nil, err
		}
		q, err := parseRequest(message)
		if err != nil || q.id != row.ID || q.pseudonym != w.person.pseudonym || q.token != row.Token {
			return nil, ErrRecord
		}
		all = append(all, q)
	}
	return all, nil
}

func (w *writing) putRequest(ctx context.Context, q *request) error {
	err := w.l.store.PutRequest(ctx, RequestRow{
		Tenant: w.who.Tenant, SubjectID: w.who.ID, ID: q.id, Token: q.token,
		Record: w.d.key.seal(requestTable, q.id, "", q.append(nil)),
	})
	if err == nil {
		err = w.l.store.PutDue(ctx, w.dueRequest(q))
	}
	if err != nil {
		return fmt.Errorf("consent: put request: %w", err)
	}
	return nil
}

func (w *writing) dueRequest(q *request) DueRow {
	return DueRow{Tenant: w.who.Tenant, SubjectID: w.who.ID, Kind: DueRequest, Ref: q.id, At: q.until}
}

// dropRequests ends what waits for a confirmation of a purpose that the person
// says no to. A request for several purposes stays for the others: which of them
// it may still confirm is asked when it is.
func (w *writing) dropRequests(ctx context.Context, p troth.Purpose) error {
	open, err := w.requests(ctx)
	if err != nil {
		return err
	}
	for i := range open {
		q := &open[i]
		if len(q.choices) != 1 || q.choices[0].purpose != p {
			continue
		}
		if err := w.dropRequest(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// dropRequest removes a request that is done with; its events stay.
func (w *writing) dropRequest(ctx context.Context, q *request) error {
	err := w.l.store.DeleteRequest(ctx, w.who.Tenant, w.who.ID, q.id)
	if err == nil {
		err = w.l.store.DeleteDue(ctx, w.dueRequest(q))
	}
	if err != nil {
		return fmt.Errorf("consent: drop request: %w", err)
	}
	return nil
}
