package vault_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// deed is one line of a program that toils: something it has done, and knows
// that it has.
type deed struct {
	// Actor and Purpose are of an opening, Subject is whom it concerned. Where
	// there is no actor, the subject was shredded.
	Actor   string
	Person  bool
	Purpose troth.Purpose
	Subject string
	// Began and Ended are nanoseconds since 1970.
	Began, Ended int64
}

// report prints whole lines, from any goroutine: the system call is one.
type report struct {
	mu  sync.Mutex
	out io.Writer
}

func (r *report) print(d deed) error {
	line, err := json.Marshal(d)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	_, err = r.out.Write(append(line, '\n'))
	return err
}

// toil works until it is killed, or until the test ends and with it the input.
func (c *child) toil(config childConfig) error {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	out := &report{out: os.Stdout}
	works := []func() error{
		func() error { return c.openAsPerson(config, out) },
		func() error { return c.openAsService(config, out, "mailer") },
		func() error { return c.openAsService(config, out, "printer") },
		c.closeWindows,
	}
	if config.Toil == "shred" {
		works = []func() error{func() error { return c.shredAll(config, out) }}
	}
	if config.Toil == "keys" {
		works = c.workOnKeys(config, out)
	}
	if config.Toil == "rewrap" {
		works = []func() error{func() error { return c.rewrapToil(out) }}
	}
	failed := make(chan error)
	for _, work := range works {
		go func() { failed <- work() }()
	}
	return <-failed
}

// openAsPerson opens values one by one, each for a purpose of its own, by which
// its entry can be told from all others.
func (c *child) openAsPerson(config childConfig, out *report) error {
	ctx := person(context.Background(), "kim")
	subjects := slices.Sorted(maps.Keys(config.Values))
	for n := 0; ; n++ {
		s := subjects[n%len(subjects)]
		d := deed{Actor: "kim", Person: true, Purpose: troth.Purpose(fmt.Sprintf("case-%d-%d", config.Round, n)), Subject: s}
		if err := c.openAndTell(ctx, config, out, d); err != nil {
			return err
		}
	}
}

// openAsService opens values at a pace that leaves others the machine.
func (c *child) openAsService(config childConfig, out *report, name string) error {
	ctx := service(context.Background(), name)
	purpose := troth.Purpose(fmt.Sprintf("%s-%d", orders, config.Round))
	tick := time.NewTicker(pace)
	for {
		for s := range config.Values {
			if err := c.openAndTell(ctx, config, out, deed{Actor: name, Purpose: purpose, Subject: s}); err != nil {
				return err
			}
			<-tick.C
		}
	}
}

func (c *child) openAndTell(ctx context.Context, config childConfig, out *report, d deed) error {
	d.Began = time.Now().UnixNano()
	plain, err := c.kit.Vault.AppendOpen(ctx, nil, emailOf(shop, d.Subject), d.Purpose, config.Values[d.Subject])
	d.Ended = time.Now().UnixNano()
	if got := openedAs(d.Subject, plain, err); got != ok {
		return fmt.Errorf("open: %s", got)
	}
	return out.print(d)
}

// closeWindows ends windows all the time, so that a crash meets every part of
// their life.
func (c *child) closeWindows() error {
	tick := time.NewTicker(20 * time.Millisecond)
	for range tick.C {
		if err := c.kit.Vault.CloseWindows(context.Background()); err != nil {
			return err
		}
	}
	return nil
}

// shredAll shreds everybody there is, and then waits for its end.
func (c *child) shredAll(config childConfig, out *report) error {
	for _, s := range slices.Sorted(maps.Keys(config.Values)) {
		_, err := c.kit.Vault.Shred(c.ctx, erasure, vault.Target{Tenant: shop, SubjectID: s})
		if err != nil {
			return err
		}
		if err := out.print(deed{Subject: s}); err != nil {
			return err
		}
	}
	select {}
}
