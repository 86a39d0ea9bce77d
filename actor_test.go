package troth_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
)

func TestActorFrom_WithoutActor(t *testing.T) {
	_, err := troth.ActorFrom(t.Context())
	require.ErrorIs(t, err, troth.ErrNoActor)
}

func TestActorFrom_ReturnsTheInnermost(t *testing.T) {
	outer := troth.Actor{Kind: troth.Person, ID: "p1", Roles: []string{"support"}, Tenant: "acme"}
	inner := troth.Actor{Kind: troth.Service, ID: "mailer"}
	ctx := troth.WithActor(t.Context(), outer)
	got, err := troth.ActorFrom(troth.WithActor(ctx, inner))
	require.NoError(t, err)
	require.Equal(t, inner, got)
	got, err = troth.ActorFrom(context.WithoutCancel(ctx))
	require.NoError(t, err)
	require.Equal(t, outer, got)
}

func TestActorFrom_RefusesWhatIsNotValid(t *testing.T) {
	for kind, a := range map[string]troth.Actor{
		"actor kind": {ID: "p1"},
		"actor":      {Kind: troth.Person},
		"role":       {Kind: troth.Person, ID: "p1", Roles: []string{""}},
		"tenant":     {Kind: troth.Service, ID: "s1", Tenant: "~other"},
	} {
		got, err := troth.ActorFrom(troth.WithActor(t.Context(), a))
		wrong, ok := errors.AsType[*troth.IdentifierError](err)
		require.True(t, ok, kind)
		require.Equal(t, kind, wrong.Kind)
		require.Zero(t, got)
	}
	// An actor that is not valid hides a valid one around it.
	ctx := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Person, ID: "p1"})
	_, err := troth.ActorFrom(troth.WithActor(ctx, troth.Actor{}))
	require.Error(t, err)
}

func TestWithActor_KeepsItsOwnRoles(t *testing.T) {
	roles := []string{"support"}
	ctx := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Person, ID: "p1", Roles: roles})
	roles[0] = "admin"
	a, err := troth.ActorFrom(ctx)
	require.NoError(t, err)
	require.True(t, a.HasRole("support"))
	require.False(t, a.HasRole("admin"))
}

func TestActor_HomeIsThePlatformByDefault(t *testing.T) {
	require.Equal(t, troth.Platform, troth.Actor{}.Home())
	require.Equal(t, troth.Tenant("acme"), troth.Actor{Tenant: "acme"}.Home())
	require.NoError(t, troth.Actor{Kind: troth.Service, ID: "s", Tenant: troth.Platform}.Validate())
}
