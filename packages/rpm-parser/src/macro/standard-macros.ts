import { macrosFromRecord, type MacroTable } from "./table.ts";

/** Where files go: the layout that Fedora and its kin share. */
const paths: Readonly<Record<string, string>> = {
  _prefix: "/usr",
  _exec_prefix: "%{_prefix}",
  _bindir: "%{_exec_prefix}/bin",
  _sbindir: "%{_exec_prefix}/sbin",
  _libexecdir: "%{_exec_prefix}/libexec",
  _libdir: "%{_exec_prefix}/%{_lib}",
  _datadir: "%{_prefix}/share",
  _includedir: "%{_prefix}/include",
  _mandir: "%{_datadir}/man",
  _infodir: "%{_datadir}/info",
  _sysconfdir: "/etc",
  _localstatedir: "/var",
  _sharedstatedir: "/var/lib",
  _rundir: "/run",
  _usr: "/usr",
  _usrsrc: "%{_usr}/src",
  _var: "/var",
  _tmppath: "%{_var}/tmp",
  _defaultdocdir: "%{_datadir}/doc",
  _defaultlicensedir: "%{_datadir}/licenses",
  _pkgdocdir: "%{_docdir}/%{name}",
  _rpmconfigdir: "/usr/lib/rpm",
  _rpmmacrodir: "%{_rpmconfigdir}/macros.d",
  _fileattrsdir: "%{_rpmconfigdir}/fileattrs",
  _rpmluadir: "%{_rpmconfigdir}/lua",
  _unitdir: "/usr/lib/systemd/system",
  _userunitdir: "/usr/lib/systemd/user",
  _presetdir: "/usr/lib/systemd/system-preset",
  _tmpfilesdir: "/usr/lib/tmpfiles.d",
  _sysusersdir: "/usr/lib/sysusers.d",
  _udevrulesdir: "/usr/lib/udev/rules.d",
  _fontbasedir: "%{_datadir}/fonts",
  _topdir: "/builddir",
  _builddir: "%{_topdir}/BUILD",
  _rpmdir: "%{_topdir}/RPMS",
  _sourcedir: "%{_topdir}/SOURCES",
  _specdir: "%{_topdir}/SPECS",
  _srcrpmdir: "%{_topdir}/SRPMS",
  _buildrootdir: "%{_topdir}/BUILDROOT",
  buildroot: "%{_buildrootdir}/%{NAME}-%{VERSION}-%{RELEASE}.%{_arch}",
};

const programs: Readonly<Record<string, string>> = Object.fromEntries(
  "awk cat chmod chown cp grep gzip install mv rm sed tar bzip2 file make mkdir patch unzip xz zstd ld strip objdump"
    .split(" ")
    .map((program) => [`__${program}`, `/usr/bin/${program}`]),
);

const tools: Readonly<Record<string, string>> = {
  __mkdir_p: "%{__mkdir} -p",
  __ln_s: "ln -s",
  __cc: "gcc",
  __cxx: "g++",
  __cpp: "gcc -E",
  __ar: "ar",
  __as: "as",
  __python3: "/usr/bin/python3",
  python3: "%{__python3}",
  __perl: "/usr/bin/perl",
  __rpmuncompress: "%{_rpmconfigdir}/rpmuncompress",
  __meson: "/usr/bin/meson",
  __ninja: "/usr/bin/ninja",
  __cmake: "/usr/bin/cmake",
  _buildshell: "/bin/sh",
  _default_patch_fuzz: "0",
  _default_patch_flags: "--no-backup-if-mismatch -f",
  _fixperms: "%{__chmod} -Rf a+rX,u+w,g-w,o-w",
  find_lang: "%{_rpmconfigdir}/find-lang.sh %{buildroot}",
};

/** Families of architectures, for `%ifarch`. */
const architectures: Readonly<Record<string, string>> = {
  ix86: "i386 i486 i586 i686 pentium3 pentium4 athlon geode",
  arm: "armv3l armv4b armv4l armv4tl armv5tl armv5tel armv5tejl armv6l armv6hl armv7l armv7hl armv7hnl armv8l armv8hl armv8hnl armv8hcnl",
  arm64: "aarch64",
  mips: "mips mipsel mipsr6 mipsr6el mips64 mips64el mips64r6 mips64r6el",
  power64: "ppc64 ppc64p7 ppc64le",
  riscv: "riscv32 riscv64 riscv128",
  riscv64: "riscv64",
  sparc: "sparc sparcv8 sparcv9 sparcv9v sparc64 sparc64v",
};

/** Applies the patches of the given numbers, or all from the lowest to the highest wanted. */
const autopatch = `
local wanted = {}
for _, word in ipairs(arg) do wanted[tonumber(word)] = true end
local lowest = tonumber(opt.m or "0")
local highest = tonumber(opt.M or "2147483647")
for index, number in ipairs(patch_nums) do
  if #arg > 0 and wanted[number] or #arg == 0 and number >= lowest and number <= highest then
    print(rpm.expand("%{uncompress:" .. patches[index] .. "} | %{__patch} "
      .. (opt.p and "-p" .. opt.p .. " " or "") .. (opt.v and "" or "-s ")
      .. "--fuzz=%{_default_patch_fuzz} %{_default_patch_flags}\\n"))
  end
end
`;

/** Macros that give specs their structure; options of a parametric one stand after its name. */
const structure: Readonly<Record<string, string>> = {
  nil: "%{!?nil}",
  "defined()": "%{expand:%%{?%{1}:1}%%{!?%{1}:0}}",
  "undefined()": "%{expand:%%{?%{1}:0}%%{!?%{1}:1}}",
  "bcond()":
    '%[ (%2) ? "%{expand:%%{!?_without_%{1}:%%global with_%{1} 1}}" : "%{expand:%%{?_with_%{1}:%%global with_%{1} 1}}" ]',
  "bcond_with()": "%bcond %{1} 0",
  "bcond_without()": "%bcond %{1} 1",
  "with()": "%{defined:with_%{1}}",
  "without()": "%{undefined:with_%{1}}",
  _isa: "%{?__isa:(%{__isa})}",
  _smp_mflags: "-j%{getncpus}",
  _smp_build_ncpus: "%{getncpus}",
  optflags: "-O2 -g",
  build_cflags: "%{optflags}",
  build_cxxflags: "%{optflags}",
  build_ldflags: "%{nil}",
  set_build_flags:
    'CFLAGS="%{build_cflags}"; export CFLAGS; CXXFLAGS="%{build_cxxflags}"; export CXXFLAGS; LDFLAGS="%{build_ldflags}"; export LDFLAGS',
  configure:
    "%{set_build_flags}; ./configure --build=%{_build} --host=%{_host} --prefix=%{_prefix} --bindir=%{_bindir} --sbindir=%{_sbindir} --sysconfdir=%{_sysconfdir} --datadir=%{_datadir} --includedir=%{_includedir} --libdir=%{_libdir} --libexecdir=%{_libexecdir} --localstatedir=%{_localstatedir} --sharedstatedir=%{_sharedstatedir} --mandir=%{_mandir} --infodir=%{_infodir}",
  make_build: "%{__make} %{?_smp_mflags}",
  make_install: '%{__make} install DESTDIR=%{buildroot} INSTALL="%{__install} -p"',
  _vpath_srcdir: ".",
  _vpath_builddir: "%{_target_platform}",
  meson:
    "%{set_build_flags}; %{__meson} setup --buildtype=plain --prefix=%{_prefix} --libdir=%{_libdir} --libexecdir=%{_libexecdir} --bindir=%{_bindir} --sbindir=%{_sbindir} --includedir=%{_includedir} --datadir=%{_datadir} --mandir=%{_mandir} --infodir=%{_infodir} --localedir=%{_datadir}/locale --sysconfdir=%{_sysconfdir} --localstatedir=%{_localstatedir} --sharedstatedir=%{_sharedstatedir} --wrap-mode=nodownload --auto-features=enabled %{_vpath_srcdir} %{_vpath_builddir}",
  meson_build: "%{__meson} compile -C %{_vpath_builddir} %{?_smp_mflags}",
  meson_install: "DESTDIR=%{buildroot} %{__meson} install -C %{_vpath_builddir} --no-rebuild",
  meson_test: "%{__meson} test -C %{_vpath_builddir} --num-processes %{getncpus}",
  cmake:
    "%{set_build_flags}; %{__cmake} -S %{_vpath_srcdir} -B %{_vpath_builddir} -DCMAKE_INSTALL_PREFIX=%{_prefix} -DLIB_INSTALL_DIR=%{_libdir} -DSYSCONF_INSTALL_DIR=%{_sysconfdir} -DBUILD_SHARED_LIBS=ON",
  cmake_build: "%{__cmake} --build %{_vpath_builddir} %{?_smp_mflags}",
  cmake_install: "DESTDIR=%{buildroot} %{__cmake} --install %{_vpath_builddir}",
  ninja_build: "%{__ninja} %{?_smp_mflags}",
  ninja_install: "DESTDIR=%{buildroot} %{__ninja} install",
  "autosetup(a:b:cDn:TvNS:p:)":
    "%setup %{-a} %{-b} %{-c} %{-D} %{-n} %{-T} %{!-v:-q}\n%{!-N:%autopatch %{-v} %{-p:-p%{-p*}}}",
  "autopatch(vp:m:M:q)": `%{lua:${autopatch}}`,
  // What rpmautospec counts in a repository's history is not known here: it is the first release.
  "autorelease(e:s:pb:)": "%{-p:0.}%{-b*}%{!-b:1}%{-e:.%{-e*}}%{-s:.%{-s*}}%{?dist}",
  autochangelog: "%{nil}",
  ldconfig_scriptlets: "%{nil}",
  py3_build: "%{__python3} setup.py build",
  py3_install: "%{__python3} setup.py install -O1 --skip-build --root %{buildroot}",
};

/** What depends on the machine: `%_lib`, `%_isa` and their like. */
function platform(arch: string): Readonly<Record<string, string>> {
  const is64 = arch.includes("64") || arch === "s390x";
  const isa = isaNames[arch] ?? `${arch}-${is64 ? 64 : 32}`;
  return {
    _arch: arch.replace(/^i[3456]86$/, "i386"),
    _lib: is64 ? "lib64" : "lib",
    __isa: isa,
    __isa_name: isa.replace(/-\d+$/, ""),
    __isa_bits: is64 ? "64" : "32",
    _os: "linux",
    _host_cpu: arch,
    _host_os: "linux",
    _host: `${arch}-linux-gnu`,
    _build: "%{_host}",
    _build_arch: arch,
    _build_cpu: arch,
    _build_os: "linux",
    _target: `${arch}-linux`,
    _target_cpu: arch,
    _target_os: "linux",
    _target_platform: `${arch}-linux-gnu`,
    _gnu: "-gnu",
  };
}

const isaNames: Readonly<Record<string, string>> = {
  x86_64: "x86-64",
  aarch64: "aarch-64",
  ppc64le: "ppc-64",
  s390x: "s390-64",
  riscv64: "riscv-64",
  i686: "x86-32",
};

/**
 * The macros that every rpm has, in this package's own words: paths, programs, build conditions and
 * the common calls of build systems. Enough to know what a spec builds and needs; to know exactly
 * what its scripts say, give {@link parseMacroFile} the macro files of the rpm that builds it.
 *
 * @param arch the machine's architecture, as rpm names it.
 */
export function standardMacros(arch = "x86_64"): MacroTable {
  const platformTable = macrosFromRecord(platform(arch));
  return [paths, programs, tools, architectures, structure].reduce<MacroTable>(
    (table, record) => macrosFromRecord(record, table),
    platformTable,
  );
}

/**
 * What rpm puts on top of its macro files, from the machine and its rpmrc.
 *
 * @param files the macros of rpm's own macro files.
 */
export function machineMacros(files: MacroTable, arch = "x86_64"): MacroTable {
  const macros = {
    _target: `${arch}-linux`,
    _target_cpu: arch,
    _target_os: "linux",
    _build_arch: arch,
    optflags: "-O2 -g",
  };
  return macrosFromRecord(macros, files);
}
