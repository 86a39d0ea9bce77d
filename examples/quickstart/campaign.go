package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/unsubscribe"
)

// weekly is the campaign of the story: offers, to so many made-up recipients.
var weekly = unsubscribe.Campaign{
	Tenant: ours, List: "offers", Channel: unsubscribe.Email, Class: unsubscribe.Marketing,
}

const recipients = 10_000

func recipient(i int) string { return fmt.Sprintf("reader%d@readers.example", i) }

// web is where the pages behind links are for the outside.
const web = "https://mail.aurora-books.example"

// tellCampaign asks the gate about everybody, has the first of them leave with one
// click, and asks again.
func (s *story) tellCampaign(ctx context.Context) error {
	if err := s.kit.Gate.Load(ctx); err != nil {
		return err
	}
	before, err := s.mayBeSent(ctx)
	if err != nil {
		return err
	}
	s.say("of %d recipients %d may be written to", recipients, len(before))
	leaving := before[0]
	s.provider.add(leaving)
	if err := s.oneClick(ctx, leaving); err != nil {
		return err
	}
	after, err := s.mayBeSent(ctx)
	if err != nil {
		return err
	}
	d, err := s.kit.Unsubscribe.Check(ctx, weekly, troth.Protect(leaving))
	if err != nil {
		return err
	}
	if len(after) != len(before)-1 || d.Send {
		return errors.New("the opt-out was not kept")
	}
	s.say("the campaign again: %d; %s is left out: %s", len(after), leaving, d.Reason)
	return s.tellProvider(ctx, d.Event, leaving)
}

// mayBeSent returns whom the gate lets the offers through to.
func (s *story) mayBeSent(ctx context.Context) ([]string, error) {
	everybody := func(yield func(unsubscribe.Recipient, error) bool) {
		for i := range recipients {
			if !yield(unsubscribe.Recipient{Address: troth.Protect(recipient(i + 1))}, nil) {
				return
			}
		}
	}
	var all []string
	for v, err := range s.kit.Gate.Filter(ctx, weekly, everybody) {
		if err != nil {
			return nil, err
		}
		if !v.Send {
			continue
		}
		address, err := v.Recipient.Address.Reveal(troth.Purpose(weekly.List))
		if err != nil {
			return nil, err
		}
		all = append(all, address)
	}
	return all, nil
}

// oneClick makes the header fields of a message, and posts to its link what a mail
// program posts, over HTTP.
func (s *story) oneClick(ctx context.Context, address string) error {
	links, err := unsubscribe.NewLinks(unsubscribe.LinksConfig{Keys: s.kit.Vault, Base: web})
	if err != nil {
		return err
	}
	pages, err := unsubscribe.NewPages(unsubscribe.PagesConfig{
		Registry: s.kit.Unsubscribe, Links: links, Company: controller.Name, Home: ours,
	})
	if err != nil {
		return err
	}
	server := httptest.NewServer(pages)
	defer server.Close()
	link, fields, err := links.Headers(ctx, unsubscribe.Ticket{
		Tenant: ours, List: weekly.List, Channel: unsubscribe.Email, Address: troth.Protect(address), SentAt: time.Now(),
	}, unsubscribe.ListHeaders{List: unsubscribe.ListID{Label: weekly.List, Domain: "aurora-books.example"}})
	if err != nil {
		return err
	}
	s.say("a message to %s carries:", address)
	for _, f := range fields {
		name, value, _ := strings.Cut(f.String(), ": ")
		s.say("  %s: %.60s", name, strings.Join(strings.Fields(value), " "))
	}
	here := server.URL + strings.TrimPrefix(link, web)
	if err := post(ctx, http.MethodGet, here, ""); err != nil { // a scanner looks
		return err
	}
	if d, err := s.kit.Unsubscribe.Check(ctx, weekly, troth.Protect(address)); err != nil || !d.Send {
		return errors.Join(errors.New("a look changed something"), err)
	}
	s.say("a mail scanner has followed the link: nothing changed; the mail program posts the one click")
	return post(ctx, http.MethodPost, here, "List-Unsubscribe=One-Click")
}

func post(ctx context.Context, method, url, body string) error {
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", method, answer.Status)
	}
	return errors.Join(err, answer.Body.Close())
}

// tellProvider lets the engine tell the mail provider, and shows by when it had to.
func (s *story) tellProvider(ctx context.Context, event, address string) error {
	told := make(chan string)
	close(told)
	if err := s.work(ctx, told, unsubscribe.Works()...); err != nil {
		return err
	}
	rows, err := s.kit.Unsubscribe.Deliveries(ctx, ours, event)
	if err != nil {
		return err
	}
	if len(rows) != 1 || rows[0].State != unsubscribe.DeliveryTold || !s.provider.suppresses(address) || s.provider.has(address) {
		return errors.New("the mail provider does not know")
	}
	d := rows[0]
	in := time.Duration(d.DueAt-d.NotedAt) * time.Microsecond
	s.say("the mail provider was told: it suppresses the address and has no contact left; it had to be within %.0f hours (%s)",
		in.Hours(), d.Rule)
	return nil
}
