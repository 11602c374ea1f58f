#!/bin/sh
# about: Exact is taken for the careful way to write a path
# fails: path: Exact is this one path and nothing below it
# fails: prefix: Prefix compares whole parts
# answer: who controller
# answer: prefix below
set -e
drydock addon add ingress
kubectl apply -f ingress.yaml
kubectl create ingress more --class=drydock --rule='toys.example/*=toys:80' --rule='books.example/reviews=reviews:80'
