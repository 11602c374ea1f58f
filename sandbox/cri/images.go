package cri

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"drydock/sandbox/image"
)

// imageService implements ImageService.
type imageService struct {
	runtimeapi.UnimplementedImageServiceServer

	images *image.Store // set once
}

// ListImages implements ImageService.
func (s *imageService) ListImages(ctx context.Context, req *runtimeapi.ListImagesRequest) (*runtimeapi.ListImagesResponse, error) {
	list, err := s.list(ctx, req.GetFilter())
	return &runtimeapi.ListImagesResponse{Images: list}, err
}

// StreamImages implements ImageService.
func (s *imageService) StreamImages(req *runtimeapi.StreamImagesRequest, stream grpc.ServerStreamingServer[runtimeapi.StreamImagesResponse]) error {
	list, err := s.list(stream.Context(), req.GetFilter())
	if err != nil {
		return err
	}
	return inPages(list, func(page []*runtimeapi.Image) error {
		return stream.Send(&runtimeapi.StreamImagesResponse{Images: page})
	})
}

func (s *imageService) list(ctx context.Context, f *runtimeapi.ImageFilter) ([]*runtimeapi.Image, error) {
	if ref := f.GetImage().GetImage(); ref != "" {
		img, err := s.images.Resolve(ctx, ref)
		if errors.Is(err, image.ErrNotFound) {
			return nil, nil
		}
		return []*runtimeapi.Image{toCRI(img)}, err
	}
	all, err := s.images.List(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]*runtimeapi.Image, 0, len(all))
	for _, img := range all {
		list = append(list, toCRI(img))
	}
	return list, nil
}

// toCRI describes an image. Images that no registry gives back are pinned, so that the kubelet's garbage collector leaves them alone.
func toCRI(img image.Image) *runtimeapi.Image {
	out := &runtimeapi.Image{
		Id: img.ID, RepoTags: img.RepoTags, RepoDigests: img.RepoDigests, Size: uint64(img.Size), Pinned: img.Bundled || img.Imported,
		Spec: &runtimeapi.ImageSpec{Image: img.ID, Annotations: nil},
	}
	user, _, _ := strings.Cut(img.Config.User, ":")
	if uid, err := strconv.ParseInt(user, 10, 64); err == nil {
		out.Uid = &runtimeapi.Int64Value{Value: uid}
	} else if user != "" {
		out.Username = user
	} else {
		out.Uid = &runtimeapi.Int64Value{Value: 0}
	}
	return out
}

// ImageStatus implements ImageService: an unknown image is no error, its answer is empty.
func (s *imageService) ImageStatus(ctx context.Context, req *runtimeapi.ImageStatusRequest) (*runtimeapi.ImageStatusResponse, error) {
	ref := req.GetImage().GetImage()
	if ref == "" {
		return nil, status.Error(codes.InvalidArgument, "image is empty")
	}
	img, err := s.images.Resolve(ctx, ref)
	if errors.Is(err, image.ErrNotFound) {
		return &runtimeapi.ImageStatusResponse{}, nil
	}
	if err != nil {
		return nil, err
	}
	return &runtimeapi.ImageStatusResponse{Image: toCRI(img)}, nil
}

// PullImage implements ImageService.
func (s *imageService) PullImage(ctx context.Context, req *runtimeapi.PullImageRequest) (*runtimeapi.PullImageResponse, error) {
	auth, err := credentials(req.GetAuth())
	if err != nil {
		return nil, err
	}
	img, err := s.images.Pull(ctx, req.GetImage().GetImage(), auth)
	if err != nil {
		return nil, err
	}
	return &runtimeapi.PullImageResponse{ImageRef: img.ID}, nil
}

// credentials reads the forms in which the kubelet hands over a pull secret.
func credentials(a *runtimeapi.AuthConfig) (image.Credentials, error) {
	c := image.Credentials{Username: a.GetUsername(), Password: a.GetPassword(), IdentityToken: a.GetIdentityToken()}
	if c.Username != "" || a.GetAuth() == "" {
		return c, nil
	}
	plain, err := base64.StdEncoding.DecodeString(a.GetAuth())
	user, password, ok := strings.Cut(string(plain), ":")
	if err != nil || !ok {
		return c, status.Error(codes.InvalidArgument, "the pull secret's auth field is not base64 of user:password")
	}
	c.Username, c.Password = user, strings.TrimRight(password, "\x00")
	return c, nil
}

// RemoveImage implements ImageService: all names of the image go. One that is gone already is fine.
func (s *imageService) RemoveImage(ctx context.Context, req *runtimeapi.RemoveImageRequest) (*runtimeapi.RemoveImageResponse, error) {
	img, err := s.images.Resolve(ctx, req.GetImage().GetImage())
	if err == nil {
		err = s.images.Remove(ctx, img.ID)
	}
	if err != nil && !errors.Is(err, image.ErrNotFound) {
		return nil, err
	}
	return &runtimeapi.RemoveImageResponse{}, nil
}

// ImageFsInfo implements ImageService.
func (s *imageService) ImageFsInfo(ctx context.Context, _ *runtimeapi.ImageFsInfoRequest) (*runtimeapi.ImageFsInfoResponse, error) {
	bytes, inodes, err := s.images.Usage(ctx)
	if err != nil {
		return nil, fmt.Errorf("measure image store: %w", err)
	}
	usage := []*runtimeapi.FilesystemUsage{{
		Timestamp: time.Now().UnixNano(), FsId: &runtimeapi.FilesystemIdentifier{Mountpoint: filepath.Clean(s.images.Root())},
		UsedBytes: &runtimeapi.UInt64Value{Value: uint64(bytes)}, InodesUsed: &runtimeapi.UInt64Value{Value: uint64(inodes)},
	}}
	return &runtimeapi.ImageFsInfoResponse{ImageFilesystems: usage, ContainerFilesystems: usage}, nil
}
