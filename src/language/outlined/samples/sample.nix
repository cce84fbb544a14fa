# What a shop runs on.
{ lib, stdenv, fetchurl ? null, ... }:

let
  limit = 10;

  # Adds a line.
  add = order: line:
    if line == "" then order else order ++ [ line ];

  inherit (lib) mkOption types;
in
{
  options.services.shop = {
    enable = mkOption { type = types.bool; };
  };

  helper = { value, count ? 1 }: "${value}${toString count}";

  package = stdenv.mkDerivation rec {
    pname = "shop";
    version = "1.0";
    buildPhase = ''
      make all
    '';
  };
}
