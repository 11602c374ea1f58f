package cri

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"

	"github.com/containerd/continuity/fs"
	"github.com/moby/sys/user"
	specs "github.com/opencontainers/runtime-spec/specs-go"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"drydock/sandbox/container"
)

// identity is who a process is, and where it is at home.
type identity struct {
	user specs.User
	home string
}

// processUser resolves the pod's wish, else the image's, with the image's /etc/passwd and /etc/group.
func (c *ctr) processUser() (identity, error) {
	sc := c.config.GetLinux().GetSecurityContext()
	wish, err := userWish(sc, c.image.Config.User)
	if err != nil {
		return identity{}, err
	}
	passwd, err := openIn(c.rootfs(), "/etc/passwd")
	if err != nil {
		return identity{}, err
	}
	defer passwd.Close()
	group, err := openIn(c.rootfs(), "/etc/group")
	if err != nil {
		return identity{}, err
	}
	defer group.Close()
	found, err := user.GetExecUser(wish, &user.ExecUser{Home: "/"}, passwd, group)
	if err != nil {
		return identity{}, fmt.Errorf("find user %q in the image: %w", wish, err)
	}
	who := identity{user: specs.User{UID: uint32(found.Uid), GID: uint32(found.Gid)}, home: found.Home}
	who.user.AdditionalGids, err = who.check(sc, found)
	return who, err
}

// check says early and clearly what would otherwise fail deep inside with EINVAL: this user namespace has no such user. It
// returns the groups that the process is in.
func (who identity) check(sc *runtimeapi.LinuxContainerSecurityContext, found *user.ExecUser) ([]uint32, error) {
	uids, gids, err := idMaps()
	if err != nil {
		return nil, err
	}
	if !uids.has(who.user.UID) {
		asked := "the image's USER"
		if sc.GetRunAsUser() != nil || sc.GetRunAsUsername() != "" {
			asked = "runAsUser"
		}
		return nil, fmt.Errorf("%s: user %d is %w: without subordinate ids (/etc/subuid, newuidmap) a lab has user 0 only", asked, who.user.UID, container.ErrUserNotMapped)
	}
	asked := append([]uint32{who.user.GID}, toIDs(sc.GetSupplementalGroups())...)
	for _, gid := range asked {
		if !gids.has(gid) {
			return nil, fmt.Errorf("group %d is %w: without subordinate ids (/etc/subgid, newgidmap) a lab has group 0 only", gid, container.ErrUserNotMapped)
		}
	}
	return groupsOf(sc, found, gids), nil
}

// userWish is "user" or "user:group" in the words of an image's USER line.
func userWish(sc *runtimeapi.LinuxContainerSecurityContext, fromImage string) (string, error) {
	wish := fromImage
	switch {
	case sc.GetRunAsUser() != nil:
		wish = strconv.FormatInt(sc.GetRunAsUser().GetValue(), 10)
	case sc.GetRunAsUsername() != "":
		wish = sc.GetRunAsUsername()
	}
	if group := sc.GetRunAsGroup(); group != nil {
		if wish == "" || sc.GetRunAsUser() == nil && sc.GetRunAsUsername() == "" {
			return "", errors.New("runAsGroup is specified without runAsUser")
		}
		wish += ":" + strconv.FormatInt(group.GetValue(), 10)
	}
	return wish, nil
}

// groupsOf are the supplementary groups: the pod's, and the image's for this user unless the policy is Strict. The image's
// groups that do not exist here are left out: nobody asked for them, and most images put root into a dozen.
func groupsOf(sc *runtimeapi.LinuxContainerSecurityContext, found *user.ExecUser, here idMap) []uint32 {
	all := toIDs(sc.GetSupplementalGroups())
	if sc.GetSupplementalGroupsPolicy() != runtimeapi.SupplementalGroupsPolicy_Strict {
		for _, gid := range found.Sgids {
			if here.has(uint32(gid)) {
				all = append(all, uint32(gid))
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func toIDs(in []int64) []uint32 {
	var out []uint32
	for _, id := range in {
		out = append(out, uint32(id))
	}
	return out
}

// openIn opens a file of the image, following links inside of it only. One that is missing reads as empty.
func openIn(rootfs, name string) (io.ReadCloser, error) {
	p, err := fs.RootPath(rootfs, name)
	if err != nil {
		return nil, fmt.Errorf("find %s in the image: %w", name, err)
	}
	f, err := os.Open(p)
	if errors.Is(err, os.ErrNotExist) {
		f, err = os.Open(os.DevNull)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s in the image: %w", name, err)
	}
	return f, nil
}

// idMap is one side of a user namespace's map: ranges of ids that exist inside (user_namespaces(7)).
type idMap []user.IDMap

func (m idMap) has(id uint32) bool {
	return slices.ContainsFunc(m, func(r user.IDMap) bool { return int64(id) >= r.ID && int64(id) < r.ID+r.Count })
}

func idMaps() (uids, gids idMap, err error) {
	if uids, err = user.ParseIDMapFile("/proc/self/uid_map"); err != nil {
		return nil, nil, fmt.Errorf("read uid map: %w", err)
	}
	if gids, err = user.ParseIDMapFile("/proc/self/gid_map"); err != nil {
		return nil, nil, fmt.Errorf("read gid map: %w", err)
	}
	return uids, gids, nil
}
