package httpprovider

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/unsubscribe"
)

// Provider tells a provider over HTTP. It is safe for concurrent use.
type Provider struct {
	base   string
	client *http.Client
	header http.Header
}

var _ unsubscribe.Provider = (*Provider)(nil)

// Option changes a default of [New].
type Option func(*Provider) error

// WithClient sets the client; the default waits 30 seconds for an answer and follows
// no redirect.
func WithClient(c *http.Client) Option {
	return func(p *Provider) error {
		if c == nil {
			return errors.New("httpprovider: client is nil")
		}
		p.client = c
		return nil
	}
}

// WithHeader adds a header to every call, such as one with a secret.
func WithHeader(name, value string) Option {
	return func(p *Provider) error {
		p.header.Add(name, value)
		return nil
	}
}

// New returns a provider under a base address, which must be https, or of this
// machine.
func New(base string, opts ...Option) (*Provider, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("httpprovider: not a base address")
	}
	local := u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1" || u.Hostname() == "::1"
	if u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return nil, errors.New("httpprovider: addresses of people go over https only")
	}
	p := &Provider{base: strings.TrimRight(base, "/"), header: http.Header{}, client: &http.Client{
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	for _, opt := range opts {
		if err := opt(p); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// message is the body of every call.
type message struct {
	Address string     `json:"address"`
	Channel string     `json:"channel"`
	Scope   string     `json:"scope,omitempty"`
	List    string     `json:"list,omitempty"`
	SaidAt  *time.Time `json:"said_at,omitempty"`
}

// Suppress implements unsubscribe.Provider.
func (p *Provider) Suppress(ctx context.Context, s unsubscribe.Suppression) error {
	return p.call(ctx, "suppressions", s, message{Scope: string(s.Place.Scope), List: s.Place.List, SaidAt: &s.At}, nil)
}

// RemoveContact implements unsubscribe.Provider.
func (p *Provider) RemoveContact(ctx context.Context, s unsubscribe.Suppression) error {
	err := p.call(ctx, "removals", s, message{}, nil)
	if status, is := errors.AsType[*StatusError](err); is && status.Code == http.StatusNotFound {
		return nil
	}
	return err
}

// ReadBack implements unsubscribe.Provider. A provider that has no look-ups answers
// 501.
func (p *Provider) ReadBack(ctx context.Context, s unsubscribe.Suppression) (unsubscribe.ProviderState, error) {
	var has struct {
		Suppressed *bool `json:"suppressed"`
		Contact    *bool `json:"contact"`
	}
	err := p.call(ctx, "lookups", s, message{Scope: string(s.Place.Scope), List: s.Place.List}, &has)
	if status, is := errors.AsType[*StatusError](err); is && status.Code == http.StatusNotImplemented {
		return unsubscribe.ProviderState{}, errors.ErrUnsupported
	}
	if err != nil {
		return unsubscribe.ProviderState{}, err
	}
	if has.Suppressed == nil || has.Contact == nil {
		return unsubscribe.ProviderState{}, errAnswer
	}
	return unsubscribe.ProviderState{Suppressed: *has.Suppressed, HasContact: *has.Contact}, nil
}

var errAnswer = errors.New("httpprovider: the answer cannot be read")

const purpose troth.Purpose = "tell-provider"

func (p *Provider) call(ctx context.Context, what string, s unsubscribe.Suppression, m message, into any) error {
	var err error
	if m.Address, err = s.Address.Reveal(purpose); err != nil {
		return err
	}
	m.Channel = string(s.Channel)
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("httpprovider: encode: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.base+"/"+what, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("httpprovider: %s: %w", what, err)
	}
	maps.Copy(r.Header, p.header)
	r.Header.Set("Content-Type", "application/json")
	if into == nil {
		r.Header.Set("Idempotency-Key", s.EffectKey+"/"+what)
	}
	answer, err := p.client.Do(r)
	if err != nil {
		return fmt.Errorf("httpprovider: %s: %w", what, err)
	}
	defer func() { _ = answer.Body.Close() }()
	return read(what, answer, into)
}

// read takes no more of an answer than one can need.
func read(what string, answer *http.Response, into any) error {
	body, err := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	switch {
	case answer.StatusCode < 200 || answer.StatusCode > 299:
		return &StatusError{Call: what, Code: answer.StatusCode, After: retryAfter(answer.Header.Get("Retry-After"), time.Now())}
	case err != nil:
		return fmt.Errorf("httpprovider: %s: %w", what, err)
	case into != nil && json.Unmarshal(body, into) != nil:
		return errAnswer
	}
	return nil
}

// StatusError is an answer that is no success.
type StatusError struct {
	// Call is suppressions, removals or lookups.
	Call string
	Code int
	// After is how long the provider wants to be left alone, by Retry-After; 0 if it
	// does not say.
	After time.Duration
}

// RetryIn reports how long to wait, if the provider says so.
func (e *StatusError) RetryIn() (time.Duration, bool) { return e.After, e.After > 0 }

// retryAfter reads the field, seconds or an instant (RFC 9110, 10.2.3); 0 if it says
// nothing that can be read, or nothing to wait for.
func retryAfter(field string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(field, 10, 32); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(field); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("httpprovider: %s: answered %d", e.Call, e.Code)
}

// Permanent reports whether trying again cannot help.
func (e *StatusError) Permanent() bool {
	switch e.Code {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return e.Code < 500
}
