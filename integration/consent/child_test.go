package consent_test

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/storage/sqlstore/consentsql"
)

// request is one line to another program, reply the line that answers it.
type request struct {
	Op      string
	Subject string
	// Kind and Times are for "say", Prefix makes the ids of forms.
	Kind   consent.Kind
	Prefix string
	Times  int
}

type reply struct {
	// Failure is why the request could not be done at all.
	Failure string
	Reason  consent.Reason
	Event   string
	// At is when it was answered, in nanoseconds since 1970.
	At int64
}

// child is the other program.
type child struct {
	ctx    context.Context
	ledger *consent.Ledger
}

func runChild(config string) error {
	var c childConfig
	if err := json.Unmarshal([]byte(config), &c); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(troth.WithActor(context.Background(), troth.Actor{Kind: troth.Service, ID: "worker"}))
	defer stop()
	db, err := sql.Open(c.Database.Driver, c.Database.DSN)
	if err != nil {
		return err
	}
	secrets, err := kit.LocalSecrets(c.Database.Secrets, passphrase)
	if err != nil {
		return err
	}
	k, err := kit.Open(ctx, kit.Config{DB: db, Dialect: c.Database.dialect(), Secrets: secrets})
	if err != nil {
		return err
	}
	ledger, err := newLedger(ctx, k, consent.WithFeedAge(c.FeedAge))
	if err != nil {
		return err
	}
	return (&child{ctx, ledger}).serve(os.Stdin, os.Stdout)
}

// newLedger wires a ledger as a kit does.
func newLedger(ctx context.Context, k *kit.Kit, opts ...consent.Option) (*consent.Ledger, error) {
	store, err := consentsql.New(ctx, k.Handle)
	if err != nil {
		return nil, err
	}
	all := append([]consent.Option{
		consent.WithSealer(k.Vault), consent.WithProver(k.Trail),
		consent.WithController(consent.Controller{Name: "Shop Ltd", Contact: "privacy@shop.example"}),
	}, opts...)
	return consent.New(ctx, consent.Config{Store: store, Recorder: k.Trail, Keys: k.Vault}, all...)
}

// serve answers requests until their end.
func (c *child) serve(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
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
		a.At = time.Now().UnixNano()
		if err := answers.Encode(a); err != nil {
			return err
		}
	}
	return lines.Err()
}

func (c *child) answer(r request) (a reply, err error) {
	who := troth.Subject{Tenant: shop, ID: r.Subject}
	switch r.Op {
	case "ready":
	case "say":
		for i := range r.Times {
			events, err := c.ledger.Record(c.ctx, form(fmt.Sprint(r.Prefix, i), who, r.Kind))
			if err != nil {
				return a, err
			}
			a.Event = events[0].ID
		}
	case "check":
		var d consent.Decision
		d, err = c.ledger.Check(c.ctx, who, letter, time.Time{})
		a.Reason, a.Event = d.Reason, d.Event
	default:
		err = fmt.Errorf("unknown request")
	}
	return a, err
}

func form(id string, who troth.Subject, k consent.Kind) consent.Form {
	return consent.Form{
		ID: id, Subject: who, Method: consent.ByCheckbox, Channel: consent.OnWeb,
		Choices: []consent.Choice{{Purpose: letter, Kind: k}},
	}
}
