package vault_test

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/vault"
)

// request is one line to another program, reply the line that answers it.
type request struct {
	Op       string
	Subjects []string
	// Sealed is what to open, in the order of Subjects.
	Sealed [][]byte
}

type reply struct {
	// Failure is why the request could not be done at all.
	Failure string
	Sealed  [][]byte
	// Opened is what became of openings, see [outcome].
	Opened []string
	// At is when a transaction had committed, as the program that committed it
	// saw it, in nanoseconds since 1970.
	At    int64
	Watch []sight
}

// opener opens one value in some way.
type opener func(ctx context.Context, sealed []byte) ([]byte, error)

// child is the other program.
type child struct {
	ctx     context.Context
	db      *sql.DB
	d       database
	kit     *kit.Kit
	tx      *sql.Tx
	handles map[string]*vault.Handle
	watch   *watch
}

func runChild(config string) error {
	var c childConfig
	if err := json.Unmarshal([]byte(config), &c); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(service(context.Background(), "worker"))
	defer stop()
	ch := &child{ctx: ctx, d: c.Database, handles: map[string]*vault.Handle{}}
	var err error
	if ch.db, err = sql.Open(c.Database.Driver, c.Database.DSN); err != nil {
		return err
	}
	secrets, err := kit.LocalSecrets(c.Database.Secrets, passphrase)
	if err != nil {
		return err
	}
	if c.Epochs {
		err = ch.openEpochal(c)
	} else {
		ch.kit, err = kit.Open(ctx, kit.Config{DB: ch.db, Dialect: c.Database.dialect(), Secrets: secrets}, vault.WithFenceAge(c.FenceAge))
	}
	if err != nil {
		return err
	}
	if c.Run {
		go func() { _ = ch.kit.Run(ctx) }()
	}
	if c.Toil != "" {
		return ch.toil(c)
	}
	return ch.serve(os.Stdin, os.Stdout)
}

// serve answers requests until their end.
func (c *child) serve(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	answers := json.NewEncoder(out)
	for lines.Scan() {
		var r request
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return err
		}
		a, err := c.answer(r)
		if err != nil {
			a.Failure = err.Error()
		}
		if err := answers.Encode(a); err != nil {
			return err
		}
	}
	return lines.Err()
}

func (c *child) answer(r request) (a reply, err error) {
	switch r.Op {
	case "ready":
	case "seal":
		a.Sealed, err = c.seal(c.ctx, r.Subjects)
	case "seal in host's":
		a.Sealed, err = c.sealInHosts(r.Subjects)
	case "seal again":
		a.Opened = c.sealAgain(r.Subjects[0])
	case "open":
		for i, s := range r.Subjects {
			for _, open := range c.openers(s) {
				a.Opened = append(a.Opened, c.open(open, s, r.Sealed[i]))
			}
		}
	case "watch":
		c.watch = c.startWatch(r.Subjects[0], r.Sealed[0])
		err = c.watch.both(func(s sight) bool { return s.Opened > 0 })
	case "watched":
		a.Watch, err = c.watch.end()
	case "shred":
		err = c.shred(c.ctx, r.Subjects)
		a.At = time.Now().UnixNano()
	case "begin and shred":
		if c.tx, err = c.db.BeginTx(c.ctx, nil); err == nil {
			err = c.shred(c.kit.WithTx(c.ctx, c.tx), r.Subjects)
		}
		a.At = time.Now().UnixNano()
	case "restrict":
		err = c.restrict(c.ctx, r.Subjects)
		a.At = time.Now().UnixNano()
	case "begin and restrict":
		if c.tx, err = c.db.BeginTx(c.ctx, nil); err == nil {
			err = c.restrict(c.kit.WithTx(c.ctx, c.tx), r.Subjects)
		}
		a.At = time.Now().UnixNano()
	case "lift":
		err = c.lift(r.Subjects[0])
		a.At = time.Now().UnixNano()
	case "commit":
		err = c.tx.Commit()
		a.At = time.Now().UnixNano()
	case "roll back":
		err = c.tx.Rollback()
	default:
		var known bool
		if known, err = c.answerEpochal(r); !known {
			err = fmt.Errorf("unknown request")
		}
	}
	return a, err
}

func (c *child) seal(ctx context.Context, subjects []string) ([][]byte, error) {
	var sealed [][]byte
	for _, s := range subjects {
		v, err := c.kit.Vault.AppendSeal(ctx, nil, emailOf(shop, s), plaintextOf(s))
		if err != nil {
			return nil, fmt.Errorf("seal for %s: %w", s, err)
		}
		sealed = append(sealed, v)
	}
	return sealed, nil
}

// sealInHosts seals in transactions of the host's, ten people in each.
func (c *child) sealInHosts(subjects []string) ([][]byte, error) {
	var sealed [][]byte
	for batch := range slices.Chunk(subjects, 10) {
		tx, err := c.db.BeginTx(c.ctx, nil)
		if err != nil {
			return nil, err
		}
		vs, err := c.seal(c.kit.WithTx(c.ctx, tx), batch)
		if err != nil {
			return nil, errors.Join(err, tx.Rollback())
		}
		if err := tx.Commit(); err != nil {
			return nil, err
		}
		sealed = append(sealed, vs...)
	}
	return sealed, nil
}

// sealAgain tries to seal for somebody in a compartment that they had and in
// one that they had not.
func (c *child) sealAgain(subject string) []string {
	var outcomes []string
	for _, compartment := range []troth.Compartment{profile, "newsletter"} {
		at := emailOf(shop, subject)
		at.Compartment = compartment
		_, err := c.kit.Vault.AppendSeal(c.ctx, nil, at, []byte("again"))
		outcomes = append(outcomes, outcome(err))
	}
	return outcomes
}

func (c *child) shred(ctx context.Context, subjects []string) error {
	for _, s := range subjects {
		if _, err := c.kit.Vault.Shred(ctx, erasure, vault.Target{Tenant: shop, SubjectID: s}); err != nil {
			return err
		}
	}
	return nil
}

// restrict leaves openings for legal claims only.
func (c *child) restrict(ctx context.Context, subjects []string) error {
	for _, s := range subjects {
		_, err := c.kit.Vault.Restrict(ctx, vault.Restriction{
			Tenant: shop, SubjectID: s, Except: []troth.Purpose{claims}, Ground: "accuracy-contested",
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// lift lifts the person's restriction.
func (c *child) lift(subject string) error {
	rs, err := c.kit.Vault.Restrictions(c.ctx, shop, subject)
	if err != nil {
		return err
	}
	g, err := c.kit.Vault.Grant(c.ctx, grantFor(rs[0]))
	if err == nil {
		_, err = c.kit.Vault.Lift(c.ctx, g)
	}
	return err
}

// openers are the two ways to open values of a person: by the vault, and by a
// handle that the program keeps.
func (c *child) openers(subject string) []opener {
	at := emailOf(shop, subject)
	return []opener{
		func(ctx context.Context, sealed []byte) ([]byte, error) {
			return c.kit.Vault.AppendOpen(ctx, nil, at, orders, sealed)
		},
		func(ctx context.Context, sealed []byte) ([]byte, error) {
			h, err := c.handle(ctx, at)
			if err != nil {
				return nil, err
			}
			return h.AppendOpen(ctx, nil, at.Cell, sealed)
		},
	}
}

func (c *child) handle(ctx context.Context, at troth.Context) (*vault.Handle, error) {
	if h := c.handles[at.Subject.ID]; h != nil {
		return h, nil
	}
	h, err := c.kit.Vault.For(ctx, at.Subject, at.Compartment, orders)
	c.handles[at.Subject.ID] = h
	return h, err
}

func (c *child) open(open opener, subject string, sealed []byte) string {
	plain, err := open(c.ctx, sealed)
	return openedAs(subject, plain, err)
}

// openedAs names what an opening gave.
func openedAs(subject string, plain []byte, err error) string {
	switch {
	case err != nil && plain != nil:
		return "plaintext beside an error"
	case err == nil && !bytes.Equal(plain, plaintextOf(subject)):
		return "wrong plaintext"
	}
	return outcome(err)
}

const (
	ok, shredded, pending, stale = "ok", "shredded", "pending", "stale"

	restricted = "restricted"
)

// outcome names an error across processes.
func outcome(err error) string {
	switch {
	case err == nil:
		return ok
	case errors.Is(err, vault.ErrShredPending):
		return pending
	case errors.Is(err, vault.ErrShredded):
		return shredded
	case errors.Is(err, vault.ErrFenceStale):
		return stale
	case errors.Is(err, vault.ErrRestricted):
		return restricted
	}
	return err.Error()
}
