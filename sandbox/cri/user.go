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
	who.user.AdditionalGids = groupsOf(sc, found)
	return who, mapped(who.user)
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

// groupsOf are the supplementary groups: the pod's, and the image's for this user unless the policy is Strict. The
// primary group is one of them, as su(1) and containerd have it.
func groupsOf(sc *runtimeapi.LinuxContainerSecurityContext, found *user.ExecUser) []uint32 {
	var gids []uint32
	for _, gid := range sc.GetSupplementalGroups() {
		gids = append(gids, uint32(gid))
	}
	if sc.GetSupplementalGroupsPolicy() != runtimeapi.SupplementalGroupsPolicy_Strict {
		for _, gid := range found.Sgids {
			gids = append(gids, uint32(gid))
		}
	}
	slices.Sort(gids)
	return slices.Compact(gids)
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

// mapped says early and clearly what would otherwise fail deep inside with EINVAL: this user namespace has no such user.
func mapped(u specs.User) error {
	uids, gids, err := idMaps()
	if err != nil {
		return err
	}
	if !uids.has(u.UID) {
		return fmt.Errorf("run as user %d: %w: without subordinate ids (/etc/subuid, newuidmap) only user 0 exists in this lab; leave out runAsUser",
			u.UID, container.ErrUserNotMapped)
	}
	if !gids.has(u.GID) {
		return fmt.Errorf("run as group %d: %w: without subordinate ids (/etc/subgid, newgidmap) only group 0 exists in this lab; leave out runAsGroup",
			u.GID, container.ErrUserNotMapped)
	}
	return nil
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
