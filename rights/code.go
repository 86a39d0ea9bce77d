package rights

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// CodeRequest asks for a code to an address.
type CodeRequest struct {
	Tenant  troth.Tenant
	Request string
	Address troth.Address
}

// code is what is kept of a code: never the code.
type code struct {
	hash  [32]byte
	until int64
	tries uint32
	sends uint32
	// subject is who is known under the address; empty if nobody is, and then nothing
	// was sent and no code is right.
	subject string
}

const codeDomain = "troth.rights.code/1"

func (k *code) encode() []byte {
	dst := canon.AppendDomain(nil, codeDomain)
	dst = canon.AppendBytes(dst, k.hash[:])
	dst = canon.AppendInt(dst, k.until)
	dst = canon.AppendUint(dst, uint64(k.tries))
	dst = canon.AppendUint(dst, uint64(k.sends))
	return canon.AppendText(dst, k.subject)
}

func parseCode(b []byte) (k code, err error) {
	r := reader{Walker: canon.Walk(b, codeDomain)}
	r.fixed(k.hash[:])
	k.until, k.tries, k.sends, k.subject = r.Int(), r.small(), r.small(), r.text()
	if !r.done() {
		return code{}, ErrRecord
	}
	return k, nil
}

func codeKey(tenant troth.Tenant, request string) ItemKey {
	return ItemKey{Tenant: tenant, Owner: request, Kind: ItemCode, ID: "code"}
}

// codeLetters are easy to tell apart: 32 of them, so that eight make 40 bits.
const codeLetters = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"

const codeLength = 8

// newCode makes a code.
func newCode() string {
	var b [codeLength]byte
	_, _ = rand.Read(b[:]) // never fails, crypto/rand documents
	for i := range b {
		b[i] = codeLetters[b[i]%32]
	}
	return string(b[:])
}

// normalCode is a code as it was made, of what people type.
func normalCode(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ' || r == '-':
			return -1
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		}
		return r
	}, s)
}

func (d *Desk) hashCode(ctx context.Context, tenant troth.Tenant, request, typed string) ([32]byte, error) {
	b := canon.AppendDomain(nil, codeDomain)
	b = canon.AppendText(b, request)
	b = canon.AppendText(b, normalCode(typed))
	hash, err := d.keys.MAC(ctx, troth.KeyRef{Tenant: tenant, Use: "rights.code", ID: "1"}, b)
	return hash, wrap("hash code", err)
}

// SendCode sends a code to an address, if it is that of the one person whom the
// directory knows under it, and of the request's own where that is known. That
// is not told, and costs the same: nil says only that whoever has the address will have
// a code if they are known. A code before that one proves nothing any more.
//
// [ErrOften] says that the request has had all its codes.
func (d *Desk) SendCode(ctx context.Context, r CodeRequest) error {
	if d.opt.directory == nil || d.opt.notifier == nil || d.opt.sealer == nil {
		return needs("WithDirectory, WithNotifier and WithSealer, for codes")
	}
	address, err := r.Address.Value.Reveal(sealingPurpose)
	if err != nil {
		return err
	}
	if len(address) == 0 || len(address) > maxLine || len(r.Address.Channel) > maxID || r.Address.Channel == toContents {
		return ErrTooMuch
	}
	if _, err := d.read(ctx, r.Tenant, r.Request); err != nil {
		return err
	}
	known, err := d.opt.directory.Subjects(ctx, r.Tenant, r.Address)
	if err != nil {
		return &hostError{"directory", err}
	}
	_, err = d.change(ctx, r.Tenant, r.Request, func(ctx context.Context, c *change) error {
		return c.sendCode(ctx, r.Address.Channel, address, known)
	})
	return err
}

// whose is the person whom an address shows; empty if it shows nobody.
func (c *change) whose(known []troth.Subject) string {
	var ids []string
	for _, s := range known {
		if s.Tenant == c.tenant && (troth.Subject{Tenant: s.Tenant, ID: s.ID}).Validate() == nil {
			ids = append(ids, s.ID)
		}
	}
	switch {
	case c.q.subject != "" && slices.Contains(ids, c.q.subject):
		return c.q.subject
	case c.q.subject == "" && len(ids) == 1:
		return ids[0]
	}
	return ""
}

func (c *change) sendCode(ctx context.Context, channel, address string, known []troth.Subject) error {
	key := codeKey(c.tenant, c.id)
	row, message, found, err := c.d.item(ctx, key)
	if err != nil {
		return err
	}
	k := code{}
	if found {
		if k, err = parseCode(message); err != nil {
			return err
		}
	}
	if int(k.sends) >= c.d.opt.codes {
		return ErrOften
	}
	secret := newCode()
	k = code{until: c.now + c.d.opt.codeLife.Microseconds(), sends: k.sends + 1, subject: c.whose(known)}
	if k.hash, err = c.d.hashCode(ctx, c.tenant, c.id, secret); err != nil {
		return err
	}
	if found {
		err = c.d.putItem(ctx, row, k.encode())
	} else {
		err = c.d.insertItem(ctx, ItemRow{ItemKey: key}, k.encode())
	}
	if err != nil {
		return err
	}
	m := draft{kind: MessageCode, channel: channel, address: address, Text: codeText(c.q.language, secret, c.d.opt.codeLife)}
	if k.subject == "" {
		m.address = ""
	}
	if err := c.post(ctx, m); err != nil {
		return err
	}
	return c.fire(ctx, CodeSent, happening{until: k.until})
}

// CheckCode compares what somebody typed with the code that was sent, and returns the
// proof: of [LevelReasonable]. Anything that is wrong is [ErrCode], counts as a try, and
// costs the same. It is refused inside of a transaction, which could be rolled back, and
// the count with it.
func (d *Desk) CheckCode(ctx context.Context, tenant troth.Tenant, request string, typed troth.Sensitive[string]) (Proof, error) {
	if d.tx.Scope(ctx) != nil {
		return Proof{}, fmt.Errorf("rights: check code: not inside of a transaction: %w", ErrCode)
	}
	text, err := typed.Reveal(sealingPurpose)
	if err != nil {
		return Proof{}, err
	}
	if len(text) > 4*codeLength {
		text = ""
	}
	var p Proof
	right := false
	_, err = d.change(ctx, tenant, request, func(ctx context.Context, c *change) error {
		p, right, err = c.checkCode(ctx, text)
		return err
	})
	if err == nil && !right {
		err = ErrCode
	}
	if err != nil {
		return Proof{}, err
	}
	return p, nil
}

func (c *change) checkCode(ctx context.Context, text string) (p Proof, right bool, err error) {
	hash, err := c.d.hashCode(ctx, c.tenant, c.id, text)
	if err != nil {
		return p, false, err
	}
	row, message, found, err := c.d.item(ctx, codeKey(c.tenant, c.id))
	if err != nil || !found {
		return p, false, err
	}
	k, err := parseCode(message)
	if err != nil {
		return p, false, err
	}
	right = hmac.Equal(hash[:], k.hash[:])
	right = right && c.now < k.until && int(k.tries) < c.d.opt.tries && k.subject != ""
	k.tries++
	if right {
		k.hash, k.until = [32]byte{}, 0 // it is used; how many were sent still counts
	}
	if err := c.d.putItem(ctx, row, k.encode()); err != nil || !right {
		return p, false, err
	}
	p, err = c.prove(ctx, evidence{level: LevelReasonable, method: ByCode, subject: k.subject})
	return p, true, err
}
