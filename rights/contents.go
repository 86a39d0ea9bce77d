package rights

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/trothdev/troth"
)

// Compartment is the class of data that the personal data of requests is sealed in,
// each request's under a key of its own.
const Compartment troth.Compartment = "rights-request"

// sealingPurpose is why the desk reads what it is given: to seal it.
const sealingPurpose troth.Purpose = "rights-request"

// RequestSubject is under whom the personal data of a request is sealed. It is nobody:
// its key is the request's own, and dies with the data.
func RequestSubject(tenant troth.Tenant, request string) troth.Subject {
	return troth.Subject{Tenant: tenant, ID: "rights-request-" + request}
}

// Identifier is something by which a person's data may be found.
type Identifier struct {
	// Kind is what it is: "email", "account", "order".
	Kind  string
	Value troth.Sensitive[string]
}

// Contents is the personal data of a request: who wrote, where they can be reached, what
// they wrote, and what their data may be found by. It is sealed under a key of the
// request's own and destroyed some time after it was closed, see [WithContentsLife]; the
// record of the request stays without it.
type Contents struct {
	// Name is who asks, as they call themselves.
	Name troth.Sensitive[string]
	// Channel is how they can be reached: "email", "post". Address is where.
	Channel string
	Address troth.Sensitive[string]
	// Text is what they wrote.
	Text troth.Sensitive[string]
	// Identifiers are what their data may be found by.
	Identifiers []Identifier
}

// Bounds of contents, in bytes.
const (
	// MaxText is the longest text of a request.
	MaxText = 64 << 10
	maxLine = 1000
)

// plain is what is sealed.
type plain struct {
	Name        string            `json:"name,omitempty"`
	Channel     string            `json:"channel,omitempty"`
	Address     string            `json:"address,omitempty"`
	Text        string            `json:"text,omitempty"`
	Identifiers []plainIdentifier `json:"identifiers,omitempty"`
}

type plainIdentifier struct {
	Kind  string `json:"kind"`
	Value string `json:"value"`
}

func (p *plain) empty() bool {
	return p.Name == "" && p.Channel == "" && p.Address == "" && p.Text == "" && len(p.Identifiers) == 0
}

// reveal reads what is to be sealed.
func (c *Contents) reveal() (p plain, err error) {
	p.Channel = c.Channel
	for _, text := range []struct {
		from troth.Sensitive[string]
		to   *string
	}{{c.Name, &p.Name}, {c.Address, &p.Address}, {c.Text, &p.Text}} {
		if *text.to, err = text.from.Reveal(sealingPurpose); err != nil {
			return p, err
		}
	}
	for _, id := range c.Identifiers {
		value, err := id.Value.Reveal(sealingPurpose)
		if err != nil {
			return p, err
		}
		p.Identifiers = append(p.Identifiers, plainIdentifier{id.Kind, value})
	}
	return p, nil
}

func (c *Contents) validate() error {
	p, err := c.reveal()
	if err != nil {
		return err
	}
	if len(p.Identifiers) > maxList || len(p.Text) > MaxText {
		return ErrTooMuch
	}
	lines := []string{p.Name, p.Channel, p.Address}
	for _, id := range p.Identifiers {
		if err := checkID("kind of identifier", id.Kind); err != nil {
			return err
		}
		lines = append(lines, id.Value)
	}
	for _, s := range lines {
		if len(s) > maxLine {
			return ErrTooMuch
		}
	}
	for _, s := range append(lines, p.Text) {
		if !utf8.ValidString(s) {
			return &troth.IdentifierError{Kind: "text", Reason: "is not UTF-8"}
		}
	}
	return nil
}

// cell is what sealed bytes of an item are bound to.
func cell(k ItemKey) troth.Context {
	return troth.Context{
		Subject: RequestSubject(k.Tenant, k.Owner), Compartment: Compartment,
		Cell: troth.Cell{Table: "troth.rights", Column: string(k.Kind), Row: k.ID},
	}
}

func contentsKey(tenant troth.Tenant, request string) ItemKey {
	return ItemKey{Tenant: tenant, Owner: request, Kind: ItemContents, ID: "contents"}
}

// sealContents keeps what is personal of a request.
func (c *change) sealContents(ctx context.Context, from *Contents) error {
	p, err := from.reveal()
	if err != nil || p.empty() {
		return err
	}
	text, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("rights: encode contents: %w", err)
	}
	c.q.reachable = p.Address != ""
	return c.d.insertSealed(ctx, contentsKey(c.tenant, c.id), 0, nil, text)
}

// insertSealed adds an item with personal data.
func (d *Desk) insertSealed(ctx context.Context, key ItemKey, due int64, message, text []byte) error {
	if d.opt.sealer == nil {
		return needs("WithSealer, for personal data")
	}
	sealed, err := d.opt.sealer.Seal(ctx, nil, cell(key), text)
	if isShredded(err) {
		return ErrGone
	}
	if err != nil {
		return fmt.Errorf("rights: seal: %w", err)
	}
	if len(sealed) > MaxSealed {
		return ErrTooMuch
	}
	return d.insertItem(ctx, ItemRow{ItemKey: key, DueAt: due, Sealed: sealed}, message)
}

// insertItem adds an item that must be new, with the tag of its message.
func (d *Desk) insertItem(ctx context.Context, row ItemRow, message []byte) error {
	var err error
	if row.Record, err = d.seal(ctx, itemPlace(row.ItemKey), message); err != nil {
		return err
	}
	inserted, err := d.store.InsertItem(ctx, row)
	if err != nil {
		return wrap("write "+string(row.Kind), err)
	}
	if !inserted {
		return ErrConflict
	}
	return d.schedule(ctx, row)
}

// putItem replaces an item that is there.
func (d *Desk) putItem(ctx context.Context, row ItemRow, message []byte) error {
	var err error
	if row.Record, err = d.seal(ctx, itemPlace(row.ItemKey), message); err != nil {
		return err
	}
	if err := d.store.PutItem(ctx, row); err != nil {
		return wrap("write "+string(row.Kind), err)
	}
	return d.schedule(ctx, row)
}

// item reads an item and the message of its record.
func (d *Desk) item(ctx context.Context, key ItemKey) (row ItemRow, message []byte, found bool, err error) {
	row, found, err = d.store.Item(ctx, key)
	if err != nil || !found {
		return row, nil, false, wrap("read "+string(key.Kind), err)
	}
	message, err = d.open(ctx, itemPlace(key), row.Record)
	return row, message, err == nil, err
}

// Contents opens the personal data of a request, for a purpose; the opening is recorded.
// It returns [ErrGone] where it was destroyed, and nothing where there was none.
func (d *Desk) Contents(ctx context.Context, tenant troth.Tenant, id string, p troth.Purpose) (Contents, error) {
	if err := p.Validate(); err != nil {
		return Contents{}, err
	}
	q, err := d.read(ctx, tenant, id)
	if err != nil {
		return Contents{}, err
	}
	text, found, err := d.openSealed(ctx, contentsKey(tenant, id), p)
	switch {
	case err != nil:
		return Contents{}, err
	case !found && q.state.Final():
		return Contents{}, ErrGone
	case !found:
		return Contents{}, nil
	}
	return parseContents(text)
}

// openSealed opens what is sealed in an item.
func (d *Desk) openSealed(ctx context.Context, key ItemKey, p troth.Purpose) (text []byte, found bool, err error) {
	row, _, found, err := d.item(ctx, key)
	if err != nil || !found {
		return nil, false, err
	}
	text, err = d.unseal(ctx, row, p)
	return text, err == nil, err
}

// unseal opens what is sealed in an item whose record was opened.
func (d *Desk) unseal(ctx context.Context, row ItemRow, p troth.Purpose) ([]byte, error) {
	if d.opt.sealer == nil {
		return nil, needs("WithSealer, for personal data")
	}
	text, err := d.opt.sealer.Open(ctx, nil, cell(row.ItemKey), p, row.Sealed)
	if isShredded(err) {
		return nil, ErrGone
	}
	if err != nil {
		return nil, fmt.Errorf("rights: open %s: %w", row.Kind, err)
	}
	return text, nil
}

// isShredded reports whether a sealer says that the key was destroyed.
func isShredded(err error) bool {
	gone, is := errors.AsType[interface {
		error
		Shredded() bool
	}](err)
	return is && gone.Shredded()
}

func parseContents(text []byte) (Contents, error) {
	var p plain
	if json.Unmarshal(text, &p) != nil {
		return Contents{}, ErrRecord
	}
	c := Contents{
		Name: troth.Protect(p.Name), Channel: p.Channel, Address: troth.Protect(p.Address), Text: troth.Protect(p.Text),
	}
	for _, id := range p.Identifiers {
		c.Identifiers = append(c.Identifiers, Identifier{id.Kind, troth.Protect(id.Value)})
	}
	return c, nil
}
