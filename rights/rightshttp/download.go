package rightshttp

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"runtime"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/rights/export"
)

// offering is how an archive is closed; without anything, by a passphrase that is made.
type offering struct {
	Keys       []string `json:"keys,omitempty"`
	Passphrase string   `json:"passphrase,omitempty"`
}

// offered is where an archive can be downloaded.
type offered struct {
	// Path is that of the page, from where the handler is.
	Path      string    `json:"path"`
	ExpiresAt time.Time `json:"expiresAt"`
	// Passphrase opens it, if one was made.
	Passphrase string `json:"passphrase,omitempty"`
}

// offer is for who asks. A session that was open when they asked is not enough: who has
// an account logs in again for this, who has none shows a code or what they showed before.
func offer(ctx context.Context, h *Handler, c *call, in *offering) (offered, error) {
	q, p, err := h.person(ctx, c)
	if err != nil {
		return offered{}, err
	}
	if c.SubjectID != "" && q.Needs > rights.LevelNone {
		if p, err = h.login(ctx, c); err != nil {
			return offered{}, err
		}
	}
	got, err := h.c.Desk.Offer(ctx, rights.Offer{
		Tenant: c.Tenant, Request: c.id, Proof: p, Keys: in.Keys, Passphrase: troth.Protect(in.Passphrase), Life: h.c.TicketLife,
	})
	if err != nil {
		return offered{}, err
	}
	token, err := got.Token.Reveal(readPurpose)
	if err != nil {
		return offered{}, err
	}
	phrase, err := got.Passphrase.Reveal(readPurpose)
	if err != nil {
		return offered{}, err
	}
	return offered{Path: "/requests/" + c.id + "/download/" + token, ExpiresAt: got.ExpiresAt, Passphrase: phrase}, nil
}

// callKey is under what a call travels to the handler of downloads.
type callKey struct{}

func (h *Handler) newDownload() *export.Download {
	of := func(ctx context.Context) *call {
		c, _ := ctx.Value(callKey{}).(*call)
		return c
	}
	return &export.Download{
		Tenant: func(r *http.Request) (troth.Tenant, error) { return of(r.Context()).Tenant, nil },
		Token:  func(r *http.Request) string { return r.PathValue("token") },
		Take: func(ctx context.Context, tenant troth.Tenant, token export.Hash, _ time.Time) (export.Delivery, error) {
			return h.fetch(ctx, tenant, of(ctx), token)
		},
	}
}

// fetch writes the archive beside, so that nothing is sent before it is whole and its
// evidence is there, and a source that is slow or fails uses up nothing.
func (h *Handler) fetch(ctx context.Context, tenant troth.Tenant, c *call, token export.Hash) (d export.Delivery, err error) {
	f, err := os.CreateTemp(h.c.TempDir, "troth-download-*.age")
	if err != nil {
		return d, errors.New("rightshttp: no temporary file")
	}
	if runtime.GOOS != "windows" { // which keeps the name of an open file
		_ = os.Remove(f.Name())
	}
	gone := &passing{f}
	defer func() {
		if err != nil {
			_ = gone.Close()
			if !errors.Is(err, export.ErrTicket) {
				h.c.Log.Error("rightshttp: download failed", zap.Error(err))
			}
		}
	}()
	receipt, err := h.c.Desk.Fetch(ctx, tenant, c.id, token, f)
	if err != nil {
		return d, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return d, errors.New("rightshttp: the temporary file cannot be read")
	}
	return export.Delivery{Size: int64(receipt.Size), Body: gone}, nil
}

// passing is a file that is gone when it is closed.
type passing struct{ *os.File }

// Close removes it, where that was not done before.
func (p *passing) Close() error {
	err := p.File.Close()
	_ = os.Remove(p.Name())
	return err
}

var routes = slices.Concat(personRoutes, staffRoutes, caseRoutes, []route{
	{
		method: http.MethodGet, path: "/requests/{id}/download/{token}", page: true, status: http.StatusOK,
		summary: "A page with a button. Programs that open links ahead of their readers use up nothing.",
	},
	{
		method: http.MethodPost, path: "/requests/{id}/download/{token}", page: true, status: http.StatusOK,
		summary: "The archive, encrypted, once. Whoever lost the connection has another made.",
	},
})
